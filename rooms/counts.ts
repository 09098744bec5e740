/** What was done since the start, in all rooms of this process. They only ever grow. */
export interface Counts {
  messages: number
  /** Entries of logs that were written to connections, once for each of them. */
  deliveries: number
}
