import type { InstanceRef, InstanceUsage } from '../driver.ts';
import type { LxcObserver } from './lxc-observer.ts';

export class LxcUsage {
  private readonly observer: LxcObserver;
  constructor(observer: LxcObserver) {
    this.observer = observer;
  }
  async read(_refs: InstanceRef[]): Promise<Map<string, InstanceUsage>> {
    void this.observer;
    return new Map();
  }
}
