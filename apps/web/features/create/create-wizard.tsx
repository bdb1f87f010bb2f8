import type { CreateDefaults } from '../shell/overlays.ts';

export function CreateWizard(_: { defaults: CreateDefaults; onClose(): void }) {
  return null;
}
