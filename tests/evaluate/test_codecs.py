"""Every codec keeps to the same contract; the command-line ones with tools that pretend."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh import DependencyError, SkoshError
from skosh.bundle.manifest import find, read_manifest, reseal
from skosh.evaluate import UsageError, codecs, tool
from skosh.evaluate.codec import Codec, Scale
from skosh.evaluate.codecs import skosh as ours
from skosh.evaluate.codecs import vvc
from skosh.evaluate.tool import run_tool


def installed(name: str) -> Codec:
    codec = codecs.make(name)
    try:
        codec.version()
    except DependencyError as error:
        pytest.skip(str(error))
    return codec


def error_of(a: Image.Image, b: Image.Image) -> float:
    return float(np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2))


def test_these_codecs_there_are() -> None:
    assert codecs.names() == ["skosh", "bpg", "vvc", "avif", "heic", "jxl", "webp", "jpeg2000", "jpeg"]


@pytest.mark.parametrize("name", codecs.names())
def test_a_better_setting_gives_a_larger_file_of_a_nearer_picture(name: str, photo: Image.Image) -> None:
    codec = installed(name)
    image = photo.crop((100, 50, 231, 150))  # odd width
    worse, better = codec.qualities[0], codec.qualities[-1]
    files = [codec.encode(image, quality) for quality in (worse, better)]
    shown = [codec.decode(file) for file in files]
    assert [(picture.size, picture.mode) for picture in shown] == [((131, 100), "RGB")] * 2
    assert len(files[0]) < len(files[1]) < image.width * image.height * 3
    assert error_of(image, shown[0]) > error_of(image, shown[1])


@pytest.mark.parametrize("name", codecs.names())
def test_default_qualities_are_on_the_scale_and_go_from_small_to_good(name: str) -> None:
    codec = codecs.make(name)
    assert all(quality in codec.scale for quality in codec.qualities)
    away = [abs(quality - codec.scale.worst) for quality in codec.qualities]
    assert away == sorted(set(away))
    assert codec.label
    assert codec.settings
    assert codec.install


def test_a_scale_that_falls() -> None:
    scale = Scale(51, 0)
    assert scale.last == 51
    assert [scale.setting(place) for place in (0, 1, 51)] == [51, 50, 0]
    assert 22 in scale
    assert 22.5 not in scale
    assert 52 not in scale


def test_a_scale_in_eighths() -> None:
    scale = Scale(0, 100, 0.125)
    assert scale.last == 800
    assert scale.setting(1) == 0.125
    assert 33.375 in scale
    assert 33.4 not in scale


def test_an_unknown_codec_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"no codec 'gif': there are skosh, .*jpeg"):
        codecs.make("gif")
    for spec in ("jpeg=3", "jpeg@2"):
        with pytest.raises(UsageError, match="takes nothing"):
            codecs.make(spec)


def test_another_bundle_has_a_name_and_its_model_id(tmp_path: Path, photo: Image.Image) -> None:
    folder = tmp_path / "other"
    shutil.copytree(find(None), folder)
    codec = codecs.make(f"skosh={folder}")
    assert (codec.name, codec.label) == (f"skosh={tmp_path.name}/other", f"skosh {tmp_path.name}/other")
    assert codec.colour != codecs.make("skosh").colour
    assert codec.version().endswith(read_manifest(folder)["model_id"])
    assert codec.decode(codec.encode(photo, 12.5)).size == photo.size


def test_a_missing_tool_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("bpg", "vvc"):
        codec = codecs.make(name)
        with pytest.raises(DependencyError, match="is not on the PATH: build"):
            codec.version()


@pytest.mark.parametrize(("name", "module"), [("heic", "pillow_heif"), ("jxl", "pillow_jxl")])
def test_a_missing_plugin_says_how_to_get_it(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DependencyError, match="pip install pillow-"):
        codecs.make(name).version()


def test_bpg_runs_its_tools(pretended_bpg: Callable[[str], None], photo: Image.Image) -> None:
    pretended_bpg("")
    codec = codecs.make("bpg")
    assert codec.version() == "BPG Image Encoder version 0.0 (pretended)"
    files = [codec.encode(photo, quality) for quality in (46, 22)]
    assert len(files[0]) < len(files[1])
    assert codec.decode(files[1]).size == photo.size


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("sys.exit('no room for this picture')", "bpgenc failed with status 1: no room for this picture"),
        ("import os; os.abort()", "bpgenc was killed by SIGABRT"),
        ("sys.exit(0)", "a.bpg"),
    ],
    ids=["fails", "crashes", "writes nothing"],
)
def test_what_a_tool_does_wrong_is_told(
    trouble: str, words: str, pretended_bpg: Callable[[str], None], photo: Image.Image
) -> None:
    pretended_bpg(trouble)
    with pytest.raises((SkoshError, OSError), match=words):
        codecs.make("bpg").encode(photo, 30)


def test_a_tool_that_does_not_say_its_version_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "PATIENCE", 0.2)
    with pytest.raises(DependencyError, match=r"does not say its version: .* took more than"):
        tool.first_line([sys.executable, "-c", "import time; time.sleep(60)"])


def test_a_tool_that_hangs_is_ended() -> None:
    with pytest.raises(SkoshError, match="took more than"):
        run_tool([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.5)


@pytest.mark.parametrize("size", [(64, 48), (61, 47)])
def test_a_picture_survives_the_way_through_a_video_frame(size: tuple[int, int], photo: Image.Image) -> None:
    image = photo.resize(size)
    back = vvc.from_video(vvc.to_video(image))
    assert back.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert error_of(image, back.crop((0, 0, *size))) < 40  # the chroma at half the size


def test_a_frame_of_ten_bits_is_read() -> None:
    luma, chroma = np.full(16, 4 * 80, "<u2"), np.full(8, 4 * 128, "<u2")
    video = b"YUV4MPEG2 W4 H4 F25:1 C420p10\nFRAME\n" + luma.tobytes() + chroma.tobytes()
    assert np.asarray(vvc.from_video(video)).tolist() == np.full((4, 4, 3), 80).tolist()


def test_importing_the_codecs_loads_nothing_heavy() -> None:
    code = (
        "import sys; from skosh.evaluate import codecs; [codecs.make(n) for n in codecs.names()]; "
        "print([m for m in ('torch', 'onnxruntime', 'matplotlib', 'pillow_heif') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_effort_goes_behind_the_bundle_unless_that_is_a_folder(
    tiny_bundle: Path, tmp_path: Path, photo: Image.Image
) -> None:
    slow = codecs.make(f"skosh={tiny_bundle}@2")
    called = f"{tiny_bundle.parent.name}/{tiny_bundle.name}"
    assert (slow.name, slow.label) == (f"skosh={called}@2", f"skosh {called}, effort 2")
    small = photo.crop((0, 0, 64, 64))
    assert slow.encode(small, 50) != codecs.make(f"skosh={tiny_bundle}").encode(small, 50)
    with pytest.raises(UsageError, match="0 to 3"):
        codecs.make("skosh=skosh@4").version()
    folder = tmp_path / "bundle@2"
    shutil.copytree(tiny_bundle, folder)
    assert codecs.make(f"skosh={folder}").name == f"skosh={tmp_path.name}/bundle@2"


@pytest.mark.parametrize(
    ("spec", "name", "label", "options"),
    [
        ("skosh", "skosh", "skosh", {}),
        ("skosh@2", "skosh@2", "skosh, effort 2", {"effort": 2}),
        ("skosh@effort=2", "skosh@2", "skosh, effort 2", {"effort": 2}),
        ("skosh@realism=0.50", "skosh@realism=0.5", "skosh, realism 0.5", {"realism": 0.5}),
        ("skosh@realism=0", "skosh@realism=0", "skosh, realism 0", {"realism": 0.0}),
        ("skosh@tune=psnr", "skosh@tune=psnr", "skosh, tune psnr", {"tune": "psnr"}),
        ("skosh@denoise", "skosh@denoise", "skosh, denoise", {"denoise": True}),
        (
            "skosh=a/b/c@realism=0@2",
            "skosh=b/c@2@realism=0",
            "skosh b/c, effort 2, realism 0",
            {"realism": 0.0, "effort": 2},
        ),
    ],
)
def test_options_stand_behind_the_name_and_name_the_curve(
    spec: str, name: str, label: str, options: dict[str, object]
) -> None:
    codec = codecs.make(spec)
    assert isinstance(codec, ours.Skosh)
    assert (codec.name, codec.label, codec.options) == (name, label, options)
    assert codecs.name_in(spec) == "skosh"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("skosh@realizm=1", "no option 'realizm' .* effort, tune, denoise, realism; did you mean realism?"),
        ("skosh=skosh@fast", "no option 'fast'"),
        ("skosh@realism", "realism takes a value: @realism=..."),
        ("skosh@realism=much", "realism takes a number, not 'much'"),
        ("skosh@effort=1.5", "effort takes a number"),
        ("skosh@denoise=no", "denoise takes no value: @denoise"),
        ("skosh@2@effort=3", "one effort, not 3 and 2"),
    ],
)
def test_an_option_that_is_wrong_is_told_with_those_that_there_are(spec: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        codecs.make(spec)


def test_options_go_to_the_encoder_and_the_decoder_that_know_them_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch, photo: Image.Image
) -> None:
    called: list[dict[str, object]] = []
    encode, decode = skosh.encode, skosh.decode

    def watched(how: object, *taken: str) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            called.append(options)
            return how(*arguments, **{key: value for key, value in options.items() if key in taken})  # type: ignore[operator]

        return call

    monkeypatch.setattr(skosh, "encode", watched(encode, "effort"))
    monkeypatch.setattr(skosh, "decode", watched(decode))
    small = photo.crop((0, 0, 64, 64))
    for spec in ("skosh", "skosh@1@tune=psnr@realism=0.5@denoise"):
        codec = codecs.make(spec)
        codec.decode(codec.encode(small, 20))
    assert called == [{}, {}, {"denoise": True, "tune": "psnr", "effort": 1}, {"realism": 0.5}]


def test_an_option_that_this_version_does_not_have_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(image: object, quality: float, model: object, threads: int) -> bytes:
        raise AssertionError("the option was left out")

    monkeypatch.setattr(skosh, "encode", encode)
    with pytest.raises(UsageError, match=r"skosh@tune=psnr: .*tune"):
        codecs.make("skosh@tune=psnr").version()


def test_one_encoder_writes_the_files_of_every_rendition() -> None:
    made = [codecs.make(spec) for spec in ("skosh=x@2", "skosh=x@2@realism=0", "skosh=x@2@realism=1", "skosh=x")]
    assert [codec.encoder for codec in made] == ["skosh=x@2"] * 3 + ["skosh=x"]


def test_weights_that_the_model_id_leaves_out_make_another_version(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, folder)
    before = codecs.make(f"skosh={folder}").version()
    (folder / "encoder" / "note.txt").write_text("another encoder")
    reseal(folder)
    after = codecs.make(f"skosh={folder}").version()
    assert before.split()[-1] == after.split()[-1]
    assert before != after


def test_jpeg_2000_codes_colours_together(photo: Image.Image) -> None:
    codec = installed("jpeg2000")
    data = codec.encode(photo.crop((0, 0, 64, 64)), 40)
    cod = data.index(b"\xff\x52")  # marker, length (2), style (1), progression (1), layers (2), colour transform (1)
    assert data[cod + 8] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["avif", "heic"])
def test_a_codec_tuned_for_psnr_is_nearer_at_its_bytes_and_has_a_name_of_its_own(name: str, photo: Image.Image) -> None:
    plain, tuned = installed(name), installed(f"{name}=psnr")
    assert (tuned.name, tuned.settings) == (f"{name}=psnr", f"{plain.settings}, tune psnr")
    image = photo.crop((100, 50, 356, 306))

    def curve(codec: Codec) -> tuple[list[float], list[float]]:
        files = [codec.encode(image, quality) for quality in (30, 40, 50)]
        return [float(np.log(len(file))) for file in files], [
            -10 * float(np.log10(error_of(image, codec.decode(file)))) for file in files
        ]

    (plain_rates, plain_values), (rates, values) = curve(plain), curve(tuned)
    assert values[1] > np.interp(rates[1], plain_rates, plain_values)
    with pytest.raises(UsageError, match="psnr"):
        codecs.make(f"{name}=ssim")
