/** A piece of a reply that may be code. */

export interface Block {
  /** The text as the reply has it, without fences and quotation marks of a quoted paragraph. */
  text: string;
  /** Where it was, for people: `fenced block 2`. */
  where: string;
  /** Offsets in the reply. */
  start: number;
  end: number;
  /** Whether the reply ends inside it. */
  unfinished: boolean;
  /** What its fence says it is. */
  language: "python" | "none" | "json" | "other";
  /** Columns of indentation of its fence. */
  indent: number;
}
