import { expect, it } from 'vitest';
import { runHarness } from '../operations/harness.ts';
import { imageCases, networkCases, poolCases } from './cases/host-cases.ts';
import { instanceCases } from './cases/instance-cases.ts';
import type { SagaCase } from './cases/saga-case.ts';
import { disposeSagaWorld, makeSagaWorld, sagasOf } from './cases/saga-world.ts';
import type { Sagas } from './sagas.ts';

/** Every saga that there is; the type check refuses one without a case, and so does the first test. */
const cases: Record<keyof Sagas, SagaCase[]> = { ...instanceCases, ...imageCases, ...networkCases, ...poolCases };

it('every saga of the registry goes through the harnesses, and so does each of its kinds once', async () => {
  const world = await makeSagaWorld();
  const sagas = sagasOf(world);
  await disposeSagaWorld(world);
  expect(Object.entries(cases).filter(([, list]) => list.length === 0)).toEqual([]);
  expect(Object.keys(cases).sort()).toEqual(Object.keys(sagas).sort());
  const kinds = Object.values(sagas).map(({ kind }) => kind);
  expect(new Set(kinds).size).toBe(kinds.length);
});

for (const list of Object.values(cases)) for (const sagaCase of list) runHarness(sagaCase);
