/** How the head of a branch stands to the database. Revisions are those of `formatRevision`. */
export interface Standing {
  /**
   * The revision whose rows are those of the branch, whatever their pages look like: as long as it is the newest one, the
   * replica has nothing to pull. Undefined: others have committed since, or it is not known.
   */
  readonly equalTo: string | undefined;
  /**
   * When the pages were compared last, and the replica was given all that differed: with which revision, and at which
   * position. What may differ since are pages that changed after that revision, and pages of frames behind that position.
   * Undefined: all pages may differ.
   */
  readonly compared: { readonly revision: string; readonly position: number } | undefined;
  /**
   * What to return to where the replica turns out not to have taken the server's frames behind `from`, because it had
   * written something itself before it asked for them. Undefined: it has taken them all.
   */
  readonly offered: { readonly from: number; readonly before: Omit<Standing, "offered"> } | undefined;
}
