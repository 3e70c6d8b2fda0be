/** Answers that report a problem as JSON. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** One thing that is wrong with a request's body. */
export interface Issue {
  /** Its place in the body: keys and indices. */
  path: (string | number)[];
  message: string;
}

/** The body of every answer that is an error. */
export interface ProblemDetails {
  error: {
    /** A code for programs. */
    code: string;
    /** A sentence for people. */
    message: string;
    issues?: Issue[];
  };
}

/** A request that cannot be served; it is turned into the answer. */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly issues: Issue[] | undefined;
  readonly headers: Record<string, string>;

  constructor(
    status: ContentfulStatusCode,
    code: string,
    message: string,
    { issues, headers = {} }: { issues?: Issue[]; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.issues = issues;
    this.headers = headers;
  }
}

/** The answer for a problem. */
export function problemAnswer(c: Context, problem: HttpProblem): Response {
  const { status, code, message, issues, headers } = problem;
  const body: ProblemDetails = { error: { code, message, ...(issues ? { issues } : {}) } };
  return c.json(body, status, headers);
}
