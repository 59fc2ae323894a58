/** Messages to a shop, generated from phrases: the examples download nothing. */

import { Random } from '../word2vec/random.js';

export interface Message {
  readonly text: string;
  /** A position in DEPARTMENTS. */
  readonly label: number;
}

export const DEPARTMENTS = ['payment', 'delivery', 'account', 'repair'] as const;

const SUBJECTS: Readonly<Record<(typeof DEPARTMENTS)[number], readonly string[]>> = {
  payment: [
    'I was charged twice',
    'the invoice shows the wrong amount',
    'my card was declined',
    'I never got my refund',
    'please send me a receipt',
    'the discount was not taken off the price',
    'can I pay by bank transfer',
    'the bill is higher than what I agreed to',
    'there is a fee that I do not understand',
  ],
  delivery: [
    'the parcel has not arrived',
    'tracking has not moved for days',
    'the courier left the box in the rain',
    'it was sent to my old address',
    'can you ship abroad',
    'half of the package is missing',
    'when will it be delivered',
    'the driver did not ring the bell',
    'I want to collect it at a shop',
  ],
  account: [
    'I forgot my password',
    'I cannot log in',
    'please delete my profile',
    'how do I change my e-mail address',
    'the code to sign in never comes',
    'someone else uses my login',
    'I get too many newsletters',
    'my user name is wrong',
    'I want to close my membership',
  ],
  repair: [
    'the screen is cracked',
    'it does not switch on any more',
    'the battery is empty after an hour',
    'a button is stuck',
    'it makes a strange noise',
    'the spare part does not fit',
    'is this covered by the warranty',
    'it stopped working after a week',
    'the cable gets hot',
  ],
};
const OPENINGS = [
  'hello',
  'hi there',
  'good morning',
  'dear team',
  'excuse me',
  'once again',
  'sorry to bother you',
];
const ASIDES = [
  'I ordered last month',
  'I am a customer since years',
  'I wrote about this before',
  'it is for my mother',
  'I need it soon',
  'the shop told me to ask you',
  'I have tried everything',
  'I am not angry yet',
];
const ENDINGS = [
  'thank you',
  'please help',
  'kind regards',
  'what can I do',
  'please call me',
  'thanks in advance',
];

/** Messages about one or two matters of a department, in any order, with other sentences around them. */
export function makeMessages(count: number, seed: number): Message[] {
  const random = new Random(seed);
  const one = (of: readonly string[]) => of[random.below(of.length)]!;
  return Array.from({ length: count }, () => {
    const label = random.below(DEPARTMENTS.length);
    const parts = [one(SUBJECTS[DEPARTMENTS[label]!]), one(ASIDES)];
    if (random.next() < 0.4) parts.push(one(SUBJECTS[DEPARTMENTS[label]!]));
    if (random.next() < 0.5) parts.reverse();
    const words = [one(OPENINGS), ...parts, one(ENDINGS)].join(', ').split(' ');
    // A tenth of the words is lost, as in messages that are written in a hurry.
    return { text: words.filter(() => random.next() < 0.9).join(' '), label };
  });
}
