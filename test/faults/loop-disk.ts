import { execFile } from 'node:child_process'
import { chmod, mkdir, rm, rmdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** An ext4 file system of its own, in a file, whose power can be cut. */
export interface LoopDisk {
  /**
   * From this moment on nothing reaches the disk any more, what was written and not synced is gone, and every access fails: the kernel's own
   * way to try out what a file system keeps (`EXT4_IOC_SHUTDOWN` without a flush of its log).
   */
  cut(): Promise<void>
  /** Everything that was written is on the disk. */
  sync(): Promise<void>
  /** Mounts what the disk has kept, as soon as nobody has a file of it open any more. */
  mountAgain(): Promise<void>
  unmount(): Promise<void>
}

// As little as possible reaches the disk unasked: no commit by time, and no flush by which ext4 forgives a rename without a sync.
const options = 'loop,commit=600,noauto_da_alloc'
const shutDown =
  'open(F, "<", $ARGV[0]) or die $!; my $flag = pack("L", 2); defined ioctl(F, 0x8004587d, $flag) or die $!;'

const umountTriesMax = 200
const umountPauseMs = 50

/** Makes the file `image` and mounts it on the folder. */
export async function mountLoopDisk(image: string, folder: string, mebibytes: number): Promise<LoopDisk> {
  await mkdir(folder, { recursive: true })
  await rm(image, { force: true })
  await writeFile(image, '')
  await truncate(image, mebibytes * 1024 * 1024)
  await run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0', image])
  const mount = (): Promise<unknown> => run('mount', ['-o', options, image, folder])
  await mount()
  await rmdir(join(folder, 'lost+found'))
  await chmod(folder, 0o700)
  return {
    async cut() {
      await run('perl', ['-e', shutDown, folder])
    },
    async sync() {
      await run('sync', ['--file-system', folder])
    },
    async mountAgain() {
      // A process that was killed has its files open until the kernel has buried it.
      for (let tries = 1; ; tries++) {
        try {
          await run('umount', [folder])
          break
        } catch (thrown) {
          if (tries === umountTriesMax) throw thrown
          await new Promise(resolve => setTimeout(resolve, umountPauseMs))
        }
      }
      await mount()
    },
    async unmount() {
      await run('umount', ['--lazy', folder])
    }
  }
}

/** What a machine lacks for this, in words: it takes root, loop devices, and a kernel that cuts the power of ext4. */
export async function whatLoopDisksLack(scratch: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'mounting takes root'
  const folder = join(scratch, 'mounted')
  try {
    const disk = await mountLoopDisk(join(scratch, 'image'), folder, 16)
    try {
      await disk.cut()
    } finally {
      await disk.unmount()
    }
    return undefined
  } catch (thrown) {
    return (thrown as Error).message.split('\n')[0] ?? 'an unknown reason'
  }
}
