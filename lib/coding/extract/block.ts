/** A part of a reply that may be code. */

export interface Block {
  /** The text as in the reply, without fences and without the quotation marks of a quoted paragraph. */
  text: string;
  /** A description of its place, for people: `fenced block 2`. */
  where: string;
  /** Offsets in the reply. */
  start: number;
  end: number;
  /** Whether the reply ends inside it. */
  unfinished: boolean;
  /** The language that its fence names. */
  language: "python" | "none" | "json" | "other";
  /** Columns of indentation of its fence. */
  indent: number;
}
