/** What users liked: generated from tastes, since the examples download nothing. */

import { Random } from '../word2vec/random.js';

export const USERS = 600;
export const ITEMS = 400;
const TASTES = 16;
const LIKED = 24;
const HELD_OUT = 4;

export interface Likes {
  /** Pairs to learn from: user i likes item i. */
  readonly users: Uint32Array;
  readonly items: Uint32Array;
  /** Other pairs, for the test. */
  readonly heldOut: readonly { readonly user: number; readonly item: number }[];
  /** The items that each user likes, held-out ones too. */
  readonly of: readonly ReadonlySet<number>[];
}

/**
 * Every user likes items of two tastes, and a few others. Some items are more popular than others of their taste.
 */
export function makeLikes(seed: number): Likes {
  const random = new Random(seed);
  const ofTaste = (taste: number) => {
    const size = ITEMS / TASTES;
    return taste * size + Math.floor(size * random.next() ** 1.5);
  };
  const of = Array.from({ length: USERS }, () => {
    const tastes = [random.below(TASTES), random.below(TASTES)];
    const liked = new Set<number>();
    while (liked.size < LIKED) {
      liked.add(random.next() < 0.03 ? random.below(ITEMS) : ofTaste(tastes[random.below(2)]!));
    }
    return liked;
  });
  const pairs = of.flatMap((liked, user) => [...liked].map((item, i) => ({ user, item, i })));
  const known = pairs.filter(({ i }) => i >= HELD_OUT);
  return {
    users: Uint32Array.from(known, ({ user }) => user),
    items: Uint32Array.from(known, ({ item }) => item),
    heldOut: pairs.filter(({ i }) => i < HELD_OUT),
    of,
  };
}
