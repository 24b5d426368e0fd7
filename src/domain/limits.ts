/** What a run may use; absent means the caller's own limit. Sizes in bytes, per process (setrlimit(2)). */
export interface Limits {
  /** RLIMIT_DATA: private writable memory of one process */
  readonly memoryBytes?: number;
  /** RLIMIT_NPROC: processes and threads of the user inside the sandbox */
  readonly processes?: number;
  /** RLIMIT_NOFILE */
  readonly openFiles?: number;
  /** RLIMIT_FSIZE */
  readonly fileSizeBytes?: number;
  /** wall clock; SIGTERM at the end, SIGKILL five seconds later */
  readonly timeoutMs?: number;
}
