/**
 * One thread runs a part of the packets ahead, on the guess that none of them changes anything that later packets depend
 * on: all hit what is installed, and namespaces and wires only pass them on. Whoever would have to change such a thing (learn,
 * install, ask for a neighbour, send an error) notes here that the guess was wrong and leaves the thing as it is; the thread
 * then undoes what it counted and does the work again as it has to be done (workers/lane.ts). Outside of such a stretch
 * `active` is false, and a note only says that something was changed.
 */
export class Speculation {
  /** Nothing may be changed now. */
  active = false;
  /** Something would have been changed, or was. */
  failed = false;
}
