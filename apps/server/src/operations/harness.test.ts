import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { everyStepTwice, failAtEveryStep, killAtEveryLogRow, runHarness, type HarnessCase } from './harness.ts';
import { nothingToUndo, type Saga, type Step } from './saga.ts';

/** A host of which only names of things are known. */
interface World {
  things: Set<string>;
}
interface Params {
  id: string;
}
const params = z.object({ id: z.string() });
function make(world: World, name: string, change: Partial<Step<Params>> = {}): Step<Params> {
  return {
    name,
    run: async ({ id }) => void world.things.add(`${name} ${id}`),
    undo: async ({ id }) => void world.things.delete(`${name} ${id}`),
    ...change,
  };
}
const names = ['record', 'volume', 'ports'];
function creating(
  change: Partial<Record<string, Partial<Step<Params>>>> = {},
  more: Partial<HarnessCase<World, Params>> = {},
): HarnessCase<World, Params> {
  return {
    name: 'creating',
    makeWorld: async () => ({ things: new Set(['other']) }),
    saga: (world): Saga<Params> => ({
      kind: 'creating',
      params,
      steps: names.map((name) => make(world, name, change[name])),
    }),
    params: () => ({ id: 'x' }),
    verifyDone: async ({ things }) => expect([...things].sort()).toEqual(['other', 'ports x', 'record x', 'volume x']),
    verifyClean: async ({ things }) => expect([...things]).toEqual(['other']),
    ...more,
  };
}
function removing(change: Partial<Record<string, Partial<Step<Params>>>> = {}): HarnessCase<World, Params> {
  return {
    name: 'removing',
    makeWorld: async () => ({ things: new Set(['record x', 'volume x']) }),
    saga: (world) => ({
      kind: 'removing',
      params,
      steps: [
        make(world, 'mark', change.mark),
        {
          name: 'volume',
          run: async () => void world.things.delete('volume x'),
          undo: nothingToUndo,
          ...change.volume,
        },
        {
          name: 'forget',
          run: async () => {
            world.things.delete('record x');
            world.things.delete('mark x');
          },
          undo: nothingToUndo,
          ...change.forget,
        },
      ],
    }),
    params: () => ({ id: 'x' }),
    verifyDone: async ({ things }) => expect([...things]).toEqual([]),
    verifyClean: async ({ things }) => expect([...things].sort()).toEqual(['record x', 'volume x']),
  };
}

runHarness(creating());
runHarness(removing());

describe('the harnesses find', () => {
  it('a step that cannot be repeated', async () => {
    const once = creating(
      {},
      {
        saga: (world) => ({
          kind: 'creating',
          params,
          steps: [
            make(world, 'record'),
            make(world, 'volume', {
              run: async () => {
                if (world.things.has('volume x')) throw new Error('exists');
                world.things.add('volume x');
              },
            }),
            make(world, 'ports'),
          ],
        }),
      },
    );
    await expect(everyStepTwice(once)).rejects.toThrow(/every step twice/);
    await expect(killAtEveryLogRow(once)).rejects.toThrow(
      /killed forward, write 2 of 4 kept: the operation ended with Failure/,
    );
  });

  it('an undo that cannot be repeated, or that wants the effect', async () => {
    const strict = creating(
      {},
      {
        saga: (world) => ({
          kind: 'creating',
          params,
          steps: [
            make(world, 'record'),
            make(world, 'volume', {
              undo: async () => {
                if (!world.things.delete('volume x')) throw new Error('no such volume');
              },
            }),
            make(world, 'ports'),
          ],
        }),
      },
    );
    await expect(everyStepTwice(strict)).rejects.toThrow(/every undo twice/);
    await expect(failAtEveryStep(strict)).rejects.toThrow(
      /failure before the effect of volume: an undo failed: .*no such volume/,
    );
  });

  it('an undo that leaves something', async () => {
    const leaky = creating({ volume: { undo: async () => undefined } });
    await expect(failAtEveryStep(leaky)).rejects.toThrow(/volume x/);
    await expect(killAtEveryLogRow(leaky)).rejects.toThrow(/killed back/);
  });

  it('a step that destroys, but says it can be undone', async () => {
    await expect(failAtEveryStep(removing({ volume: { undo: async () => undefined } }))).rejects.toThrow(/volume x/);
  });

  it('a step that remembers what only the process knew', async () => {
    const forgetful = creating(
      {},
      {
        saga: (world) => {
          let made = false;
          return {
            kind: 'creating',
            params,
            steps: [
              make(world, 'record', {
                run: async () => {
                  made = true;
                  world.things.add('record x');
                },
                undo: async () => {
                  if (made) world.things.delete('record x');
                },
              }),
              make(world, 'volume'),
              make(world, 'ports'),
            ],
          };
        },
      },
    );
    await everyStepTwice(forgetful);
    await failAtEveryStep(forgetful);
    await expect(killAtEveryLogRow(forgetful)).rejects.toThrow(/killed back.*record x/s);
  });
});
