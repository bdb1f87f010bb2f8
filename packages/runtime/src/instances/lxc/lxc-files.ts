import type { InstanceFiles } from '../driver.ts';
import type { LxcObserver } from './lxc-observer.ts';
export function lxcFiles(_observer: LxcObserver): InstanceFiles | null {
  return null;
}
