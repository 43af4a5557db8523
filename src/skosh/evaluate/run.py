"""``skosh eval``: find out what is still to be measured, measure it, and collect all results."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import skosh

from ..errors import did_you_mean
from ..limits import cores
from . import UsageError, codecs, measured, pictures
from .codec import Codec
from .metrics import DEFAULT, Metrics, available, keys
from .pictures import Picture
from .pool import Pool
from .results import Key, Result, Store
from .trial import Trial

Say = Callable[[str], None]
Progress = Callable[[Iterator[Result], int], Iterator[Result]]  # wraps results as they come; their number
RESULTS = "results.json"
MAX_WORKERS = 8  # processes unless told otherwise


@dataclass(frozen=True)
class Show:
    """Which pictures the report shows."""

    count: int = 3  # from easy to hard to code
    names: tuple[str, ...] = ()  # these instead
    bpp: float = 0.25  # of their files


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    folder: Path  # of pictures
    out: Path  # of the report
    codecs: tuple[str, ...] = ()  # as codecs.make takes them; () for all
    qualities: dict[str, tuple[float, ...]] = field(default_factory=dict)  # by codec's name; "" for those not named
    metrics: tuple[str, ...] = DEFAULT
    lpips_weights: Path | None = None
    measured: tuple[Path, ...] = ()  # files with curves of codecs that are not installed
    workers: int = 0  # processes; 0: one a core, at most 8
    show: Show = Show()  # for ``gallery.exhibits``


@dataclass(frozen=True)
class Chosen:
    """A codec that was asked for."""

    spec: str  # as codecs.make takes it
    codec: Codec
    version: str | None  # None where it is not installed


@dataclass
class Evaluation:
    """The outcome of ``evaluate``."""

    pictures: list[Picture]
    codecs: list[Codec]  # in the order asked for, with those that only a measured curve stands for
    versions: dict[str, str]  # of the codecs by name
    metrics: tuple[str, ...]
    results: list[Result] = field(default_factory=list)
    computed: int = 0  # results that are new
    trials: list[Trial] = field(default_factory=list)  # that were asked for, run now or before

    @property
    def failures(self) -> list[Result]:
        """The results that failed."""
        return [result for result in self.results if result.error]


def evaluate(request: Request, say: Say, progress: Progress) -> Evaluation:
    """Measure what has not been measured yet, and collect the rest.

    Raises SkoshError for a folder without pictures, for a results file of another version, and if none of the codecs is
    installed. Raises UsageError for an unknown codec or picture and for a quality that a codec does not take.
    """
    store = Store(request.out / RESULTS)
    found = pictures.find(request.folder, request.out)
    for name in request.show.names:
        if name not in (known := [picture.name for picture in found]):
            raise UsageError(f"no picture {name!r} to show{did_you_mean(name, known)}")
    metrics = available(request.metrics, request.lpips_weights, say)
    before = [row for path in request.measured for row in measured.load(path)]
    chosen, stand_in = installed(request, {row.codec for row in before}, say)
    asked = request.codecs or codecs.names()
    versions = {entry.codec.name: entry.version or "" for entry in chosen}
    unknown = [name for name in request.qualities if name and name not in {*asked, *kinds(asked), *versions}]
    if unknown:
        raise UsageError(f"--qualities for {', '.join(unknown)}, which is none of these codecs: {', '.join(asked)}")
    trials = [
        Trial(picture, entry.spec, entry.codec.name, entry.version or "", entry.codec.settings, quality)
        for entry, picture in itertools.product(chosen, found)
        for quality in qualities(entry, request)
    ]
    due = [trial for trial in trials if not store.get(trial.result().key, keys(metrics))]
    broken = unreadable(due)
    due = [trial for trial in due if trial.picture.name not in broken]
    in_order = sorted((*chosen, *stand_in), key=lambda entry: asked.index(entry.spec))
    evaluation = Evaluation(found, [entry.codec for entry in in_order], versions, metrics, trials=trials)
    failed = {}
    try:
        for result in progress(measure(due, request, metrics), len(due)):
            store.put(result)
            evaluation.computed += 1
            failed.update({result.key: result} if result.error else {})
    finally:
        if due:
            store.save()
    evaluation.results = [*collected(trials, store, metrics, failed), *broken.values()]
    pixels = {result.image: result.width * result.height for result in evaluation.results if result.width}
    wanted = {entry.codec.name for entry in stand_in}
    stood_in = measured.of_pictures((row for row in before if row.codec in wanted), found, pixels)
    for name in sorted({row.codec for row in before} - {row.codec for row in stood_in}):
        why = "none of its pictures is among these" if name in wanted else "it is installed or was not asked for"
        say(f"not used: the curve of {name} that was measured before: {why}")
    evaluation.results += [with_metrics(row, metrics) for row in stood_in]
    return evaluation


def installed(request: Request, measured_before: set[str], say: Say) -> tuple[list[Chosen], list[Chosen]]:
    """Return the installed codecs, and those that are not installed but were measured before.

    Writes a line for each codec that is not installed.
    """
    here, elsewhere = [], []
    for spec in request.codecs or codecs.names():
        codec = codecs.make(spec)
        try:
            here.append(Chosen(spec, codec, codec.version()))
        except skosh.DependencyError as error:
            stands = codec.name in measured_before
            hint = (
                "its curve comes from --measured"
                if stands
                else "--measured FILE takes a curve that was measured before"
            )
            say(f"{'measured before' if stands else 'skipped'}: {codec.label}: {error}; {hint}")
            elsewhere += [Chosen(spec, codec, None)] if stands else []
    names = [entry.codec.name for entry in (*here, *elsewhere)]
    if not names:
        raise skosh.SkoshError("none of these codecs is installed")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{', '.join(twice)}: named twice")
    return here, elsewhere


def qualities(chosen: Chosen, request: Request) -> tuple[float, ...]:
    """Return the settings of a codec: its own list, else the list for all, else its default.

    Raises UsageError for a setting that it does not take.
    """
    codec = chosen.codec
    (kind,) = kinds([chosen.spec])
    lists = (request.qualities[name] for name in (chosen.spec, codec.name, kind, "") if name in request.qualities)
    asked = next(lists, ())
    wrong = [f"{quality:g}" for quality in asked if quality not in codec.scale]
    if wrong and codec.scale.last:
        ends = f"{codec.scale.worst:g} to {codec.scale.best:g} in steps of {codec.scale.step:g}"
        raise UsageError(f"{codec.name} takes qualities {ends}, not {', '.join(wrong)}: give it its own, {kind}=...")
    return codec.qualities if wrong or not asked else asked  # a bundle of a single rate takes what there is


def kinds(names: Iterable[str]) -> list[str]:
    """The codecs' names without what stands after them."""
    return [codecs.name_in(name) for name in names]


def unreadable(trials: Sequence[Trial]) -> dict[str, Result]:
    """Return a failed result without a codec for each picture that can't be read, by its name."""
    failed = {}
    for picture in dict.fromkeys(trial.picture for trial in trials):
        try:
            if not picture.digest:
                raise skosh.ImageError("can't read the picture's file")
            pictures.read(picture.path)
        except skosh.SkoshError as error:
            failed[picture.name] = Result(picture.name, picture.digest, "", "", "", 0.0, error=str(error))
    return failed


def measure(trials: Sequence[Trial], request: Request, metrics: tuple[str, ...]) -> Iterator[Result]:
    """Yield the results of trials as they end.

    Loads the metrics once before, so that a problem with them is reported at once.
    """
    if not trials:
        return
    Metrics(metrics, request.lpips_weights)
    workers = min(request.workers or min(cores(), MAX_WORKERS), len(trials))
    yield from Pool(workers, metrics, request.lpips_weights, max(1, cores() // workers)).run(trials)


def collected(
    trials: Sequence[Trial], store: Store, metrics: tuple[str, ...], failed: dict[Key, Result]
) -> Iterator[Result]:
    """Return the results of all trials, new and old, that were asked for.

    Pictures have their present names, and results the metrics that were asked for.
    """
    for trial in trials:
        key = trial.result().key
        result = failed.get(key) or store.get(key, keys(metrics))
        if result:
            yield replace(with_metrics(result, metrics), image=trial.picture.name)


def with_metrics(result: Result, metrics: tuple[str, ...]) -> Result:
    """Return a result with these metrics and what goes with them, and no others."""
    wanted = keys(metrics)
    return replace(result, metrics={name: value for name, value in result.metrics.items() if name in wanted})
