/** The settings of the built-in mock endpoint in files that ask for it. */
import { z } from "zod";
import { positive, seconds } from "./setting.ts";

/** The built-in mock endpoint, as files ask for it. */
export const mockPart = z.strictObject({
  /** Path of the script of answers, relative to the file. */
  script: z.string().optional().describe("path of the script of answers, relative to the file"),
  /** Before a reply starts: seconds, or a text such as "50ms". */
  delay_s: seconds({ named: true }).optional().describe("before a reply starts, seconds"),
  /** In one reply; without it all at once. */
  tokens_per_second: positive.optional().describe("tokens a second in one reply"),
});
