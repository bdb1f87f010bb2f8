// Adds up the reports of all suites; the last line is `N passed, N failed, N skipped`, and the exit code says whether all is well.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const directory = process.argv[2];
const sum = { passed: 0, failed: 0, skipped: 0 };

function addVitest(report) {
  sum.passed += report.numPassedTests;
  sum.skipped += report.numPendingTests + report.numTodoTests;
  let failed = report.numFailedTests;
  for (const file of report.testResults) {
    for (const test of file.assertionResults) if (test.status === 'failed') console.log(`FAILED ${test.fullName}`);
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
      console.log(`FAILED ${file.name}: ${file.message}`);
      failed += 1;
    }
  }
  if (failed === 0 && !report.success) failed = 1;
  sum.failed += failed;
}

function addPlaywright(report) {
  sum.passed += report.stats.expected + report.stats.flaky;
  sum.failed += report.stats.unexpected + report.errors.length;
  sum.skipped += report.stats.skipped;
}

for (const name of readdirSync(directory)) {
  const text = readFileSync(join(directory, name), 'utf8');
  if (name.endsWith('.step')) {
    const state = text.trim();
    sum[state] += 1;
    if (state === 'failed') console.log(`FAILED ${name.replace('.step', '')}`);
  } else if (name.endsWith('.json')) {
    const report = JSON.parse(text);
    if ('stats' in report) addPlaywright(report);
    else addVitest(report);
  }
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed > 0 || sum.passed === 0 ? 1 : 0);
