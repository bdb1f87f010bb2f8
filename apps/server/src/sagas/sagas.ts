import { imageBuildSaga } from './image-build.ts';
import { imageDeleteSaga } from './image-delete.ts';
import { imageImportSaga } from './image-import.ts';
import { instanceCreateSaga } from './instance-create.ts';
import { instanceDeleteSaga } from './instance-delete.ts';
import { instanceRenameSaga } from './instance-rename.ts';
import { instanceRestoreSaga } from './instance-restore.ts';
import { networkCreateSaga } from './network-create.ts';
import { networkDeleteSaga } from './network-delete.ts';
import { networkUpdateSaga } from './network-update.ts';
import { poolCreateSaga } from './pool-create.ts';
import { poolDeleteSaga } from './pool-delete.ts';
import type { SagaDeps } from './saga-deps.ts';
import { snapshotCreateSaga } from './snapshot-create.ts';
import { snapshotDeleteSaga } from './snapshot-delete.ts';

/** All sagas that there are. A copy is a create whose source is a volume. */
export function createSagas(deps: SagaDeps) {
  return {
    instanceCreate: instanceCreateSaga(deps),
    instanceDelete: instanceDeleteSaga(deps),
    instanceRename: instanceRenameSaga(deps),
    instanceRestore: instanceRestoreSaga(deps),
    snapshotCreate: snapshotCreateSaga(deps),
    snapshotDelete: snapshotDeleteSaga(deps),
    imageImport: imageImportSaga(deps),
    imageBuild: imageBuildSaga(deps),
    imageDelete: imageDeleteSaga(deps),
    networkCreate: networkCreateSaga(deps),
    networkUpdate: networkUpdateSaga(deps),
    networkDelete: networkDeleteSaga(deps),
    poolCreate: poolCreateSaga(deps),
    poolDelete: poolDeleteSaga(deps),
  };
}
export type Sagas = ReturnType<typeof createSagas>;
