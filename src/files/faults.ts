/** What the system's code for a failed operation on a file means. */
export interface FileFault {
  readonly kind: "disk-full" | "read-only" | "no-such-file" | "not-a-file" | "other"
  /** `the disk is full`: what follows a file's name and a colon. */
  readonly what: string
  /** What to do, a sentence without its end. */
  readonly advice: string
}

const permissions = "Check the permissions of the file and of its folder"

/** By the system's code, such as `ENOSPC`: https://man7.org/linux/man-pages/man2/open.2.html#ERRORS */
export const fileFaults: Readonly<Record<string, FileFault>> = {
  ENOSPC: {
    kind: "disk-full",
    what: "the disk is full, or has no room for another file",
    advice: "Make room (df -h shows space, df -i shows how many more files fit)"
  },
  EDQUOT: {
    kind: "disk-full",
    what: "this user's share of the disk is used up",
    advice: "Make room, or have the share enlarged (quota -s shows it)"
  },
  EFBIG: {
    kind: "disk-full",
    what: "it would be larger than a file may be here",
    advice: "Raise the limit on the size of files (ulimit -f), or use another file system"
  },
  EACCES: { kind: "read-only", what: "permission denied", advice: permissions },
  EPERM: { kind: "read-only", what: "permission denied", advice: permissions },
  EROFS: {
    kind: "read-only",
    what: "the file system cannot be written",
    advice: "Mount it for writing"
  },
  ENOENT: {
    kind: "no-such-file",
    what: "its folder does not exist",
    advice: "Create the folder"
  },
  ENOTDIR: {
    kind: "no-such-file",
    what: "it lies below something that is not a folder",
    advice: "Check its path"
  },
  EEXIST: {
    kind: "no-such-file",
    what: "there is a file where the folder should be",
    advice: "Move that file away"
  },
  EISDIR: { kind: "not-a-file", what: "it is a folder", advice: "Name a file" },
  ELOOP: {
    kind: "not-a-file",
    what: "its path goes through symbolic links that lead back to themselves, or through too many",
    advice: "Name the file itself"
  },
  ENAMETOOLONG: { kind: "not-a-file", what: "its name is too long", advice: "Shorten it" },
  EMFILE: {
    kind: "other",
    what: "this process may not open another file",
    advice: "Raise the limit on open files (ulimit -n), at least to 256"
  },
  ENFILE: {
    kind: "other",
    what: "this machine may not open another file",
    advice: "End other programs, or raise the limit (sysctl fs.file-max)"
  },
  EIO: { kind: "other", what: "the disk reported a fault", advice: "Check the disk" },
  ENXIO: { kind: "not-a-file", what: "it is a pipe or a device", advice: "Name a file" },
  ENODEV: { kind: "not-a-file", what: "it is a device", advice: "Name a file" },
  ETXTBSY: { kind: "other", what: "it is a program that is running", advice: "Name another file" },
  EBUSY: { kind: "other", what: "the system is using it", advice: "Run again later" },
  ESTALE: {
    kind: "other",
    what: "the network drive that holds it has lost it",
    advice: "Mount the drive again"
  },
  ENOMEM: { kind: "other", what: "the system has no memory left", advice: "End other programs" }
}

/** The system's code in something thrown, such as `ENOSPC`; null: there is none. */
export const codeOf = (cause: unknown): string | null =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : null

/** What a thrown error of the file system means; null: it is none. */
export const fileFaultOf = (cause: unknown): FileFault | null => {
  const code = codeOf(cause)
  if (code === null || !/^E[A-Z0-9]+$/.test(code)) return null
  return fileFaults[code] ?? { kind: "other", what: `the system says ${code}`, advice: "Name another place" }
}
