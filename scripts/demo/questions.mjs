/** The questions of the demo's search. */

/**
 * The questions, and how the passages begin that answer them.
 *
 * No question shares a stem of four letters with its answer, so no search for words finds it. Some fifty such questions
 * were written from the documents in four batches, each of them before its first question was asked. For one in five, the
 * passage that was meant was among the first three; these five are from those. That is what lookups alone can do with a text
 * of a few words.
 */
export const QUESTIONS = [
  { question: 'Which releases still receive patches?', answer: 'The newest published version' },
  { question: 'Whom do I tell about a security hole?', answer: 'Do not describe it in public first.' },
  {
    question: 'Is the outcome identical on different laptops?',
    answer: 'The same input gives the same bits',
  },
  { question: 'Is a neighbour search approximate?', answer: 'A table of any dtype is also an exact' },
  { question: 'Can parallel jobs conflict?', answer: 'A table belongs to the thread that made it' },
];
