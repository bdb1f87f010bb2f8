import { expect } from 'vitest';
import type { HarnessCase } from '../../operations/harness.ts';
import type { Saga } from '../../operations/saga.ts';
import type { Sagas } from '../sagas.ts';
import { disposeSagaWorld, inventory, makeSagaWorld, sagasOf, type Inventory, type SagaWorld } from './saga-world.ts';

export interface CaseWorld<P> extends SagaWorld {
  sagaParams: P;
  before: Inventory;
}
interface CaseOptions<P> {
  name: string;
  saga(sagas: Sagas): Saga<P>;
  /** Makes what the saga finds; returns its params. */
  prepare(world: SagaWorld): Promise<P>;
  done(now: Inventory, world: CaseWorld<P>): Promise<void> | void;
  /** Takes out of an inventory what may be left when the saga was undone (a cache). */
  settle?(found: Inventory, params: P): Inventory;
}
/** What a saga's params are is nobody's business but its own case's. */
export type SagaCase = HarnessCase<CaseWorld<unknown>, unknown>;

export function sagaCase<P>(options: CaseOptions<P>): SagaCase {
  const settle = options.settle ?? ((found: Inventory) => found);
  const made: HarnessCase<CaseWorld<P>, P> = {
    name: options.name,
    async makeWorld() {
      const world = await makeSagaWorld();
      const sagaParams = await options.prepare(world);
      return { ...world, sagaParams, before: await inventory(world) };
    },
    saga: (world) => options.saga(sagasOf(world)),
    params: (world) => world.sagaParams,
    verifyDone: async (world) => options.done(await inventory(world), world),
    async verifyClean(world) {
      const { sagaParams, before } = world;
      expect(settle(await inventory(world), sagaParams)).toEqual(settle(before, sagaParams));
    },
    disposeWorld: disposeSagaWorld,
  };
  return made as unknown as SagaCase;
}
