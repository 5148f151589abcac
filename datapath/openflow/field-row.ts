/**
 * A row of the table of fields: what field-rows-*.ts say of each field, the rest following from it.
 */
import type { FieldFormat, FieldPiece, Prerequisite } from "./field.ts";

export interface FieldRow {
  readonly name: string;
  readonly bits: number;
  /** Most significant bits first. */
  readonly pieces: readonly FieldPiece[];
  readonly format: FieldFormat;
  /** Another name that ovs-ofctl takes. */
  readonly also?: string;
  readonly nxm?: string;
  readonly oxm?: string;
  readonly oxm2?: string;
  /** Default: none. */
  readonly need?: Prerequisite;
  /** No mask may be given. */
  readonly exact?: boolean;
  readonly readOnly?: boolean;
  /** Default: the least of 1, 2, 4, 6, 8 and 16 that holds the bits. */
  readonly bytes?: number;
}

export const READ_ONLY = { readOnly: true } as const;
export const EXACT = { exact: true } as const;

export const row = (name: string, rest: Omit<FieldRow, "name">): FieldRow => ({ name, ...rest });

export const piece = (word: number, shift: number, width: number): FieldPiece => ({ word, shift, width });

/** `count` whole words. */
export const words = (first: number, count: number): FieldPiece[] =>
  Array.from({ length: count }, (_, i) => piece(first + i, 0, 32));

/** One of two MAC addresses that lie in the three words from `first` on. */
export const macAt = (first: number, second: boolean): FieldPiece[] =>
  second ? [piece(first + 1, 0, 16), piece(first + 2, 0, 32)] : [piece(first, 0, 32), piece(first + 1, 16, 16)];
