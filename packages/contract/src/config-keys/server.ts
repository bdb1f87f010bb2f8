import { declareKeys, multilineText, type ConfigKey } from './declare.ts';

export const serverKeys: readonly ConfigKey[] = [
  ...declareKeys({ scope: 'server', group: 'core', live: false }, [
    {
      key: 'core.https_address',
      type: { kind: 'string' },
      readOnly: true,
      default: '127.0.0.1:8443',
      short: "Address that the server listens on; set in the host's settings, shown here.",
    },
  ]),
  ...declareKeys({ scope: 'server', group: 'miscellaneous', live: true }, [
    { key: 'user.*', type: multilineText, short: 'Anything of your own.' },
  ]),
];
