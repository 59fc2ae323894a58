"""gensim or fastText as a contender: skip-gram over a file of lines, on one thread. Reading is measured and subtracted."""

import statistics
import sys
from time import perf_counter_ns, process_time_ns

import numpy
from peer import Work, path, serve

NOTHING = 1e-12  # of the words: with this limit of frequent words all are read, and none trained
RATE = 0.025


def with_gensim(task, file):
    from gensim.models import Word2Vec

    def model(sample):
        made = Word2Vec(
            vector_size=task["dim"], window=5, negative=task["negatives"], sg=1, hs=0, alpha=RATE,
            sample=sample, min_count=1, workers=1, seed=1,
        )  # fmt: skip
        made.build_vocab(corpus_file=file)
        return made

    def train(made):
        made.train(
            corpus_file=file,
            total_examples=made.corpus_count,
            total_words=made.corpus_total_words,
            epochs=task["epochs"],
        )

    made, reader = model(0), model(NOTHING)
    return lambda: train(made), lambda: train(reader), lambda word: made.wv[word]


def with_fasttext(task, file):
    import fasttext

    def train(t):
        return fasttext.train_unsupervised(
            file, model="skipgram", dim=task["dim"], ws=5, neg=task["negatives"], loss="ns", lr=RATE, t=t,
            minCount=1, minn=0, maxn=0, bucket=0, epoch=task["epochs"], thread=1, verbose=0,
            pretrainedVectors=path(f"{task['corpus']}.vec"),
        )  # fmt: skip

    last = None

    def step():
        nonlocal last
        last = train(1)

    return step, lambda: train(NOTHING), lambda word: last.get_word_vector(word)


def measured(work):
    """Milliseconds of the clock and of the processor: medians of five."""
    times = []
    for _ in range(5):
        began, used = perf_counter_ns(), process_time_ns()
        work()
        times.append(((perf_counter_ns() - began) / 1e6, (process_time_ns() - used) / 1e6))
    return [statistics.median(each) for each in zip(*times)]


def corpus(task):
    library = {"gensim": with_gensim, "fasttext": with_fasttext}[sys.argv[1]]
    train, read, vector = library(task, path(f"{task['corpus']}.txt"))
    count = int(numpy.fromfile(path(f"{task['corpus']}.i32"), "<i4").max()) + 1
    seen = set(numpy.fromfile(path(f"{task['corpus']}.i32"), "<i4"))

    def answer():
        zero = numpy.zeros(task["dim"], "<f4")
        return [vector(f"w{id}") if id in seen else zero for id in range(count)]

    return Work(lambda _: train(), answer, overhead=measured(read))


serve({"corpus": corpus})
