import koffi from 'koffi';

const closeRange = koffi.load('libc.so.6').func('int close_range(unsigned int first, unsigned int last, int flags)');
const CLOSE_RANGE_CLOEXEC = 4;
const lastDescriptor = 0xffffffff;

/** Whatever the process was started with besides its three streams goes no further: a command in a guest must hold no descriptor of the host. */
export function keepInheritedDescriptors(): void {
  closeRange(3, lastDescriptor, CLOSE_RANGE_CLOEXEC);
}
