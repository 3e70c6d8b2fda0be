/** Parses requests of multipart/form-data (RFC 7578), in which browsers and clients send files. */
import { Buffer } from "node:buffer";

/** A file among the fields. */
export interface SentFile {
  file_name: string;
  content_type: string;
  bytes: Buffer;
}

/**
 * The fields of a body, each a text or a file; "true" and "false" become booleans. Null if the body
 * has another type.
 */
export function multipartFields(
  { headers, bytes }: { headers: Record<string, string>; bytes: Buffer },
): Record<string, unknown> | null {
  const [, quoted, plain] = /^multipart\/form-data;.*\bboundary=(?:"([^"]+)"|([^;\s]+))/i.exec(
    headers["content-type"] ?? "",
  ) ??
    [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return null;
  const fields: Record<string, unknown> = {};
  const mark = `\r\n--${boundary}`;
  const body = Buffer.concat([Buffer.from("\r\n"), bytes]);
  let at = body.indexOf(mark);
  while (at >= 0) {
    const begin = at + mark.length + 2;
    const end = body.indexOf(mark, begin);
    const head_end = body.indexOf("\r\n\r\n", begin);
    if (end < 0 || head_end < 0 || head_end > end) break;
    const head = body.toString("utf8", begin, head_end);
    const content = body.subarray(head_end + 4, end);
    const [, name] = /\bname="([^"]*)"/.exec(head) ?? [];
    const [, file_name] = /\bfilename="([^"]*)"/.exec(head) ?? [];
    const [, content_type = ""] = /^content-type:\s*(.*)$/im.exec(head) ?? [];
    if (name !== undefined) {
      const text = content.toString("utf8");
      fields[name] = file_name !== undefined
        ? { file_name, content_type, bytes: content } satisfies SentFile
        : text === "true" || text === "false"
        ? text === "true"
        : text;
    }
    at = end;
  }
  return fields;
}
