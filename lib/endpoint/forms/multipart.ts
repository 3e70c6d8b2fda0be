/** Encodes fields and a file in one body of multipart/form-data (RFC 7578). */
import { Buffer } from "node:buffer";
import { asObject } from "../../json_fields.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { Encoding } from "./form.ts";

/** A file among the fields, with its bytes in base64. */
export interface FormFile {
  file_name: string;
  content_type: string;
  base64: string;
}

/** A random boundary for each process, which no file is likely to contain. */
const BOUNDARY = `dyno-${crypto.randomUUID()}`;

/** Encodes files as files, texts unchanged, each item of a list as a field, and other values as JSON. */
export const MULTIPART: Encoding = {
  content_type: `multipart/form-data; boundary=${BOUNDARY}`,
  encode(fields: JsonObject): Uint8Array {
    const parts: Buffer[] = [];
    const part = (head: string, content: Buffer) =>
      parts.push(Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`), content, Buffer.from("\r\n"));
    for (const [name, given] of Object.entries(fields)) {
      for (const value of Array.isArray(given) ? given : [given]) {
        if (value === undefined) continue; // as in JSON
        const field = `content-disposition: form-data; name="${
          Array.isArray(given) ? `${name}[]` : name
        }"`;
        const { file_name, content_type, base64 } = asObject(value) ?? {};
        if (typeof base64 === "string") {
          const file = `${field}; filename="${file_name}"\r\ncontent-type: ${content_type}`;
          part(file, Buffer.from(base64, "base64"));
        } else part(field, Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
      }
    }
    return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
  },
};
