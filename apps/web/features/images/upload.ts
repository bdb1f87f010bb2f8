/** Upload of an image through the REST door, which streams it to disk; a form's own progress events need XMLHttpRequest. */
export interface UploadRequest {
  metadata: File;
  rootfs: File | null;
  alias: string;
}
export interface UploadResult {
  /** Operation that goes on with the import. */
  operation: string;
}

export function uploadImage(
  request: UploadRequest,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<UploadResult> {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open('POST', '/1.0/images');
    if (request.alias)
      call.setRequestHeader('X-Incus-aliases', new URLSearchParams([['alias', request.alias]]).toString());
    call.responseType = 'json';
    call.upload.onprogress = (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0);
    call.onerror = () => reject(new Error('The connection was lost before the upload had ended. Try again.'));
    call.onabort = () => reject(new DOMException('The upload was cancelled', 'AbortError'));
    call.onload = () => {
      const answer = call.response as { operation?: string; error?: string } | null;
      if (call.status === 202 && answer?.operation) resolve({ operation: answer.operation });
      else reject(new Error(answer?.error ?? `The server answered with status ${call.status}`));
    };
    signal.addEventListener('abort', () => call.abort(), { once: true });
    if (request.rootfs) {
      const form = new FormData();
      form.append('metadata', request.metadata, 'metadata');
      form.append('rootfs', request.rootfs, 'rootfs');
      call.send(form);
    } else {
      call.setRequestHeader('Content-Type', 'application/octet-stream');
      // Header values are Latin-1: what is outside of it is encoded.
      call.setRequestHeader('X-Incus-filename', encodeURIComponent(request.metadata.name));
      call.send(request.metadata);
    }
  });
}
