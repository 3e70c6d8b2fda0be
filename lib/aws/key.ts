/** The access key for Amazon's services, from the environment. */
import { environment } from "../environment.ts";

/** An access key. */
export interface AwsKey {
  access_key_id: string;
  secret_access_key: string;
  /** The token of a temporary key; null for a permanent one. */
  session_token: string | null;
}

/** An environment variable without surrounding blanks; null if it is missing or empty. */
export function variable(name: string): string | null {
  return environment(name)?.trim() || null;
}

/**
 * The key in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the first variable
 * that is missing.
 */
export function awsKey(): AwsKey | { missing: string } {
  const access_key_id = variable("AWS_ACCESS_KEY_ID");
  const secret_access_key = variable("AWS_SECRET_ACCESS_KEY");
  if (access_key_id === null) return { missing: "AWS_ACCESS_KEY_ID" };
  if (secret_access_key === null) return { missing: "AWS_SECRET_ACCESS_KEY" };
  return { access_key_id, secret_access_key, session_token: variable("AWS_SESSION_TOKEN") };
}

/** The region in AWS_REGION or AWS_DEFAULT_REGION, else us-east-1. */
export function awsRegion(): string {
  return variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION") ?? "us-east-1";
}
