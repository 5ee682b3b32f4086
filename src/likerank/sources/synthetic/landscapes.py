"""Drawn landscapes: synthetic pictures of known appeal.

A scene is a handful of numbers; `draw` paints it and `appeal` computes its appeal.
"""

from dataclasses import dataclass, fields
from functools import cache
from math import exp
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Field = NDArray[np.float32]

SIZE: Final = 256
"""Side of a drawn picture, pixels."""

APPEAL_SD: Final = 0.75
"""Standard deviation of the appeal over sampled scenes, in log likes."""

_ROWS: Final[Field] = np.linspace(0, 1, SIZE, dtype=np.float32)[:, None]
_COLUMNS: Final[Field] = np.linspace(0, 1, SIZE, dtype=np.float32)[None, :]
_CORNERS: Final[Field] = (_COLUMNS - 0.5) ** 2 + (_ROWS - 0.5) ** 2


def _colour(red: float, green: float, blue: float) -> Field:
    return np.array([red, green, blue], np.float32)[:, None, None]


_ROSE_ZENITH, _BLUE_ZENITH = _colour(0.55, 0.36, 0.52), _colour(0.10, 0.38, 0.78)
_PEACH_HORIZON, _PALE_HORIZON = _colour(0.97, 0.72, 0.56), _colour(0.72, 0.87, 0.95)
_WHITE_SUN, _ORANGE_SUN = _colour(1.0, 0.99, 0.95), _colour(1.0, 0.48, 0.10)
_GREY, _MAGENTA = _colour(0.45, 0.45, 0.45), _colour(1, -1, 0.6)
_FIR: Final = _colour(0.05, 0.10, 0.09)
_LANDS: Final = np.stack([_colour(0.15, 0.20, 0.31), _colour(0.11, 0.24, 0.14), _colour(0.32, 0.17, 0.20)])
_MEADOWS: Final = np.stack([_colour(0.36, 0.42, 0.46), _colour(0.38, 0.46, 0.22), _colour(0.58, 0.44, 0.32)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A photographer's style: light and development, each in [0, 1]."""

    sun_warmth: float  # From a white sun to an orange one.
    sky_coolness: float  # From a rose sky to a blue one.
    daylight: float  # From dusk to noon.
    haze: float  # From clear air to ridges that pale into the distance.
    cover: float  # Clouded share of the sky.
    land_hue: float  # From slate over forest to heather.
    contrast: float  # From flat to hard.
    saturation: float  # From nearly grey to vivid.
    tint: float  # From green to magenta.
    vignette: float  # Darkness of the corners.


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The parameters of a drawing; equal scenes give equal pictures."""

    look: Look  # Light and development.
    sun_x: float  # The sun's centre from the left, share of the width.
    sun_y: float  # The sun's centre from the top, share of the height.
    sun_radius: float  # The sun's radius, share of the width.
    ridges: int  # Number of mountain ridges behind each other, 1 to 5.
    ridge_height: float  # Height of the farthest ridge, share of the height.
    roughness: float  # From rolling to jagged ridges, in [0, 1].
    waterline: float  # Upper edge of the lake from the top, share of the height.
    reflection: float  # From dry ground over wet to a mirror, in [0, 1].
    trees: int  # Number of trees in the foreground.
    details: int  # Seed of clouds, silhouettes, textures and trees.


def sample_look(rng: np.random.Generator) -> Look:
    """Returns a random look."""
    return Look(**{field.name: float(rng.random()) for field in fields(Look)})


def sample_scene(rng: np.random.Generator, look: Look | None = None) -> Scene:
    """Returns a random scene with the given look, or with a random one."""
    own_look = sample_look(rng)
    return Scene(
        look=look or own_look,
        sun_x=float(rng.uniform(0.08, 0.92)),
        sun_y=float(rng.uniform(0.10, 0.32)),
        sun_radius=float(rng.uniform(0.055, 0.085)),
        ridges=int(rng.integers(1, 6)),
        ridge_height=float(rng.uniform(0.12, 0.24)),
        roughness=float(rng.random()),
        waterline=float(rng.uniform(0.52, 0.78)),
        reflection=float(rng.random()),
        trees=int(rng.integers(0, 5)),
        details=int(rng.integers(2**63)),
    )


def _bump(value: float, centre: float, width: float) -> float:
    return exp(-0.5 * ((value - centre) / width) ** 2)


def appeal(scene: Scene) -> float:
    """Returns a scene's appeal in log likes: mean 0 and standard deviation APPEAL_SD over scenes.

    All of it is visible at 50x50 pixels and invariant to mirroring left to right. Only the term of saturation
    is linear.
    """
    look = scene.look
    return (
        1.5 * _bump(abs(scene.sun_x - 0.5), 1 / 6, 0.07) * look.sun_warmth  # A warm sun on a third line.
        + 3.4 * (look.sun_warmth - 0.35) * (look.sky_coolness - 0.35)  # Warm and cold together, or neither.
        + 1.55 * scene.reflection * _bump(scene.waterline, 0.62, 0.07)  # A mirror at the right height.
        + 0.7 * look.sun_warmth * look.daylight  # Warm light by day.
        + 0.6 * look.saturation  # Colour.
        - 1.34  # The mean of the others over sampled scenes.
    )


def draw(scene: Scene) -> NDArray[np.uint8]:
    """Paints a scene as RGB, uint8, 256x256x3."""
    rng = np.random.default_rng(scene.details)
    clouds, grain = _noise(rng, stretch=3.0, slope=1.7), _noise(rng, stretch=1.5, slope=0.9)
    light = 0.55 + 0.55 * scene.look.daylight
    zenith = light * _mix(_ROSE_ZENITH, _BLUE_ZENITH, scene.look.sky_coolness)
    horizon = (0.2 + 0.75 * light) * _mix(_PEACH_HORIZON, _PALE_HORIZON, scene.look.sky_coolness)
    above = _sky(scene, zenith, horizon, clouds)
    above = _mix(above, *_land(scene, rng, light, horizon, grain))
    picture = _lake(scene, above, light, clouds, grain)
    for _ in range(scene.trees):
        _plant_tree(picture, rng, light)
    return _develop(scene.look, picture)


def _mix(first: Field, second: Field, share: Field | float) -> Field:
    mixed: Field = (second - first) * share
    mixed += first
    return mixed


@cache
def _spectrum(stretch: float, slope: float) -> Field:
    """Amplitudes of 1/f noise that is `stretch` times as wide as high; float32, (SIZE, SIZE/2+1)."""
    across, down = fft.rfftfreq(SIZE)[None, :], fft.fftfreq(SIZE)[:, None]
    frequency = np.hypot(across * stretch, down)
    frequency[0, 0] = np.inf
    amplitude = frequency**-slope
    spectrum: Field = (amplitude * SIZE**2 / np.sqrt(4 * (amplitude**2).sum())).astype(np.float32)
    return spectrum


def _noise(rng: np.random.Generator, stretch: float, slope: float) -> Field:
    """Returns 1/f noise of mean 0 and standard deviation about 1; float32, (SIZE, SIZE)."""
    amplitude = _spectrum(stretch, slope)
    waves = rng.standard_normal((*amplitude.shape, 2), np.float32).view(np.complex64)[..., 0]
    waves *= amplitude
    noise: Field = fft.irfft2(waves, s=(SIZE, SIZE), overwrite_x=True)
    return noise


def _sky(scene: Scene, zenith: Field, horizon: Field, clouds: Field) -> Field:
    look = scene.look
    sun = _mix(_WHITE_SUN, _ORANGE_SUN, look.sun_warmth)
    sky = _mix(zenith, horizon, np.clip(_ROWS / scene.waterline, 0, 1) ** 1.3)
    distance = np.hypot(_COLUMNS - scene.sun_x, _ROWS - scene.sun_y)
    glow = np.exp(distance / -0.18)
    sky = _mix(sky, sun, 0.85 * glow)
    puffs = np.clip((clouds + 2.6 * look.cover - 1.5) / 1.6, 0, 1)
    sky = _mix(sky, _mix(0.35 + 0.6 * horizon, sun, 0.15 + 0.5 * glow), 0.8 * puffs)
    disc = np.clip((scene.sun_radius - distance) * SIZE + 0.5, 0, 1)
    return _mix(sky, np.minimum(1.15 * sun, 1), disc)


def _land(
    scene: Scene, rng: np.random.Generator, light: float, horizon: Field, grain: Field
) -> tuple[Field, Field]:
    """Returns the ridges' colours and their cover of the sky, in [0, 1]."""
    haze = scene.look.haze
    shade = np.full((SIZE, SIZE), 0.15 + 0.75 * haze, np.float32)
    cover = np.zeros((SIZE, SIZE), np.float32)
    for ridge in range(scene.ridges):
        distance = 1 - ridge / scene.ridges
        crest = (
            scene.waterline
            - scene.ridge_height * distance
            + _silhouette(rng, 0.28 * scene.ridge_height * (0.5 + 0.5 * distance), 2.2 - scene.roughness)
        )
        below: Field = _ROWS - crest
        inside: Field = np.clip(below * SIZE + 0.5, 0, 1)
        paleness: Field = (0.15 + 0.75 * haze) * distance + 0.9 * haze * below
        shade = _mix(shade, paleness, inside)
        cover = np.maximum(cover, inside)
    near = light * _between(_LANDS, scene.look.land_hue)
    land = _mix(near, horizon, np.clip(shade, 0, 0.95)) * (1 + 0.10 * (1 - shade) * grain)
    return land, cover


def _between(colours: Field, share: float) -> Field:
    """Returns the colour at `share` of the way from the first of three colours to the last."""
    first = int(share >= 0.5)
    return _mix(colours[first], colours[first + 1], 2 * share - first)


def _silhouette(rng: np.random.Generator, height: float, slope: float) -> Field:
    """Returns a 1/f line of the given standard deviation; float32, SIZE."""
    # Twice the width, so that the left end differs from the right one.
    frequency = np.arange(1, SIZE + 1)
    amplitude = np.minimum(frequency, 4.0) ** 0.5 * frequency**-slope
    white = rng.standard_normal((2, SIZE))
    line = fft.irfft(np.concatenate([[0], amplitude * (white[0] + 1j * white[1])]))[:SIZE]
    silhouette: Field = (height * (line - line.mean()) / line.std()).astype(np.float32)
    return silhouette


def _lake(scene: Scene, above: Field, light: float, clouds: Field, grain: Field) -> Field:
    """Returns the picture with a mirror image, or ground, below the waterline."""
    shore = round(scene.waterline * SIZE)
    depth = np.arange(SIZE - shore)[:, None]
    nearness = ((depth + 1) / (SIZE - shore)).astype(np.float32)
    ripple = 4 * nearness * grain[shore:]
    rows = np.clip(shore - 1 - depth + (ripple / 2).astype(np.intp), 0, shore - 1)
    columns = np.clip(np.arange(SIZE) + ripple.astype(np.intp), 0, SIZE - 1)
    mirrored = 0.92 * above[:, rows, columns]
    texture = (1.1 - 0.35 * nearness) * (1 + 0.06 * clouds[shore:] + 0.12 * nearness * grain[shore:])
    ground = light * _between(_MEADOWS, scene.look.land_hue) * texture
    return np.concatenate([above[:, :shore], _mix(ground, mirrored, scene.reflection)], axis=1)


def _plant_tree(picture: Field, rng: np.random.Generator, light: float) -> None:
    """Paints a fir into the left or right foreground."""
    height, foot = rng.uniform(0.18, 0.5), rng.uniform(0.9, 1.05)
    side, offset = rng.integers(2), rng.beta(1, 2.5) * 0.5
    centre = abs(side - offset)
    slimness, whorls = rng.uniform(0.14, 0.22), rng.uniform(7, 12)
    top = round((foot - height) * SIZE)
    rows = slice(max(top, 0), min(round(foot * SIZE), SIZE))
    down = (np.arange(rows.start, rows.stop)[:, None] / SIZE - (foot - height)) / height
    half_width = slimness * height * down * (0.55 + 0.45 * (down * whorls % 1)) + 0.004
    left, right = (round(float(np.clip(centre + sign * slimness * height, 0, 1)) * SIZE) for sign in (-1, 1))
    across = np.abs(np.arange(left, right)[None, :] / SIZE - centre)
    inside = np.clip((half_width - across) * SIZE + 0.5, 0, 1).astype(np.float32)
    behind = picture[:, rows, left:right]
    behind[...] = _mix(behind, light * _FIR, inside)


def _develop(look: Look, picture: Field) -> NDArray[np.uint8]:
    picture = _mix(_GREY, picture, 0.85 + 0.35 * look.contrast)
    picture = _mix(picture.mean(axis=0), picture, 0.5 + 1.0 * look.saturation)
    picture *= 1 - 0.55 * look.vignette * _CORNERS
    picture *= 1 + 0.03 * (2 * look.tint - 1) * _MAGENTA
    picture *= 255
    picture += 0.5
    return np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8).transpose(1, 2, 0))
