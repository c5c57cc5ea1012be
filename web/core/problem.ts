/** An answer of the HTTP API that says what is wrong (RFC 9457), or a failure to reach it (status 0). */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    /** HTTP status; 0 when the server could not be reached. */
    readonly status: number,
    readonly title: string,
    /** A whole sentence for a person. */
    readonly detail: string,
    /** Field → message, for a form. */
    readonly errors?: Record<string, string>,
    /** Seconds. */
    readonly retryAfter?: number,
  ) {
    super(detail || title);
  }
}
