/** What a problem says beside its sentence, for pages that have words of their own (docs/http-api.md, "Problems"). */
export interface ProblemNames {
  /** `/problems/` and the name. */
  type?: string | undefined;
  /** Field → code. */
  codes?: Record<string, string> | undefined;
  /** Field → the number that its code speaks of. */
  params?: Record<string, { limit?: number }> | undefined;
  /** The number that `detail` speaks of. */
  limit?: number | undefined;
  /** What somebody else has made meanwhile of the thing that was to be changed (412). */
  current?: unknown;
}

/** The JSON of an answer that says what is wrong. Nothing in it is sure to be there: a proxy may have written it. */
export interface ProblemBody extends ProblemNames {
  status?: number;
  title?: string;
  detail?: string;
  errors?: Record<string, string>;
}

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
    readonly names: ProblemNames = {},
  ) {
    super(detail || title);
  }

  /** From the body of an answer; `retryAfter` in seconds. */
  static of(status: number, p: ProblemBody, retryAfter?: number): Problem {
    const detail = p.detail ?? `The server answered ${status}. Please try again.`;
    return new Problem(status, p.title ?? '', detail, p.errors, retryAfter, p);
  }
}

export function signedOut(): Problem {
  return new Problem(401, 'Unauthorized', 'You are signed out. Please sign in again.');
}
