"""From a scene to a photo: a height field shaded through its normals, on a surface, through a camera."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from realign_edge.shopfloor.damage import Surface, apply_defect
from realign_edge.shopfloor.scene import Scene
from realign_edge.shopfloor.shapes import SHAPES, Grid
from realign_edge.shopfloor.textures import SURFACES, fractal, smooth_noise, streaks
from realign_edge.shopfloor.vocabulary import DEFECTS


@dataclass(frozen=True)
class Render:
    """image: (size, size, 3) uint8 RGB; defect_map: (size, size) uint8, i + 1 = DEFECTS[i]; part_mask: bool."""

    image: NDArray[np.uint8]
    defect_map: NDArray[np.uint8]
    part_mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Material:
    """albedo: linear RGB; gloss, metallic, brush in [0, 1]."""

    albedo: tuple[float, float, float]
    gloss: float
    metallic: float
    brush: float


@dataclass(frozen=True, slots=True)
class Light:
    """elevation: radians above the bench; key, fill: intensities; spread: width of the highlight in [0, 1]."""

    elevation: float
    key: float
    fill: float
    spread: float


@dataclass(frozen=True, slots=True)
class Camera:
    """noise: sigma at 512 px in 8-bit levels; blur: px at 512; vignette in [0, 1]; balance: RGB gains."""

    maker: str
    noise: float
    blur: float
    vignette: float
    balance: tuple[float, float, float]
    jpeg_quality: int


MATERIALS = {
    "brushed steel": Material((0.5, 0.51, 0.53), 0.7, 0.9, 0.9),
    "brass": Material((0.62, 0.43, 0.11), 0.75, 0.9, 0.3),
    "copper": Material((0.62, 0.25, 0.13), 0.7, 0.9, 0.3),
    "black oxide": Material((0.055, 0.055, 0.06), 0.45, 0.4, 0.2),
    "blue paint": Material((0.03, 0.11, 0.42), 0.55, 0.05, 0.0),
    "red primer": Material((0.36, 0.045, 0.035), 0.15, 0.0, 0.0),
    "green coating": Material((0.05, 0.27, 0.09), 0.4, 0.05, 0.0),
}
LIGHTS = {
    "diffuse dome": Light(1.15, 0.65, 0.55, 0.9),
    "left bar": Light(0.65, 1.0, 0.28, 0.5),
    "right lamp": Light(0.75, 1.1, 0.24, 0.25),
    "ring light": Light(1.35, 0.85, 0.4, 0.6),
    "dim evening": Light(0.6, 0.62, 0.2, 0.4),
}
LENSES = {
    "RE-Cam 12": Camera("RealignOptics", 2.5, 0.5, 0.12, (1.0, 1.0, 1.0), 92),
    "LineScope A5": Camera("LineScope", 3.5, 0.7, 0.2, (1.03, 1.0, 0.96), 88),
    "Handheld HX9": Camera("Hexa", 5.0, 0.9, 0.28, (1.06, 1.0, 0.92), 85),
    "Bench View 2": Camera("BenchView", 2.0, 0.6, 0.08, (0.97, 1.0, 1.04), 94),
}


def render(scene: Scene, size: int = 512) -> Render:
    """Photograph a scene. The same scene gives the same bytes; every size shows the same picture."""
    rng = np.random.default_rng([scene.seed, 1])
    x, y = _axes(size)
    u, v = scene.pose.to_part(x, y)
    inside, relief = SHAPES[scene.part](u, v)
    pixel = 1 / (size * scene.pose.scale)
    alpha = np.clip(inside / (1.5 * pixel) + 0.5, 0, 1)
    mask = inside > 0
    surface = _finish(scene, rng, u, v, relief)
    labels = np.zeros((size, size), np.uint8)
    kinds = [d.term for d in DEFECTS]
    for defect in scene.defects:
        area = apply_defect(surface, defect, u, v, rng) & mask
        labels[area] = kinds.index(defect.kind) + 1
    lit = _shade(scene, surface, rng, pixel, y)
    ground = SURFACES[scene.background](rng, x, y) * _shadow(scene, alpha, size)[..., None]
    ground = ground * (LIGHTS[scene.lighting].key * 0.75 + LIGHTS[scene.lighting].fill)
    picture = ground + (lit - ground) * alpha[..., None].astype(np.float32)
    return Render(_expose(scene, picture, x, y), labels, mask)


@lru_cache(maxsize=4)
def _axes(size: int) -> tuple[Grid, Grid]:
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(axis, axis)
    return x, y


def _finish(scene: Scene, rng: np.random.Generator, u: Grid, v: Grid, relief: Grid) -> Surface:
    """Bare surface: tone variation, brush marks or cast grain, wear."""
    material = MATERIALS[scene.finish]
    size = len(u)
    grain = fractal(rng, size, 40)
    tone = 1 + 0.07 * smooth_noise(rng, size, 4) + 0.05 * grain
    brush = streaks(rng, v, 150)
    tone = tone + 0.09 * material.brush * brush
    albedo = np.array(material.albedo, np.float32) * tone[..., None].astype(np.float32)
    height = relief + 0.0012 * grain + 0.0007 * material.brush * brush
    gloss = np.full(u.shape, material.gloss, np.float32)
    return Surface(np.ascontiguousarray(albedo, np.float32), height.astype(np.float32), gloss)


def _shade(scene: Scene, surface: Surface, rng: np.random.Generator, pixel: float, y: Grid) -> Grid:
    """Lambert and Blinn-Phong from one area light, and a soft environment for metals."""
    light, material = LIGHTS[scene.lighting], MATERIALS[scene.finish]
    slope_y, slope_x = np.gradient(surface.height, pixel)
    # Slopes steeper than about 60 degrees are edges; limiting them keeps their width at every size.
    slope_x, slope_y = np.clip(slope_x, -1.8, 1.8), np.clip(slope_y, -1.8, 1.8)
    inverse = 1 / np.sqrt(slope_x**2 + slope_y**2 + 1)
    lx, ly = (
        np.cos(scene.light_angle) * np.cos(light.elevation),
        np.sin(scene.light_angle) * np.cos(light.elevation),
    )
    lz = np.sin(light.elevation)
    diffuse = np.clip((lz - slope_x * lx - slope_y * ly) * inverse, 0, None)
    hx, hy, hz = _unit(lx, ly, lz + 1)
    facing = np.clip((hz - slope_x * hx - slope_y * hy) * inverse, 0, 1)
    power = 8 + 60 * (1 - light.spread)
    specular = facing**power * surface.gloss * (0.5 + 0.3 * (1 - light.spread))
    mirror = (-slope_x * lx - slope_y * ly) * inverse * 2
    sky = 0.62 + 0.38 * np.tanh(1.6 * mirror + 0.8 * smooth_noise(rng, len(y), 2))
    body = light.key * diffuse + light.fill
    tone = body * (1 - 0.55 * material.metallic) + material.metallic * 0.75 * sky * (light.key * 0.6 + light.fill)
    colour = surface.albedo * tone[..., None]
    tint = np.array(material.albedo, np.float32) / max(material.albedo)
    highlight = 1 - 0.6 * material.metallic * (1 - tint)
    return np.asarray(colour + (specular * light.key)[..., None] * highlight, np.float32)


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = float(np.sqrt(x * x + y * y + z * z))
    return x / length, y / length, z / length


def _shadow(scene: Scene, alpha: Grid, size: int) -> Grid:
    """Cast and contact shadow of the part on the ground, (size, size) in [0, 1]."""
    light = LIGHTS[scene.lighting]
    shape = Image.fromarray((alpha * 255).astype(np.uint8)).resize((128, 128), Image.Resampling.BOX)
    reach = 5.0 / np.tan(light.elevation) + 1
    shift = (np.cos(scene.light_angle) * reach, np.sin(scene.light_angle) * reach)
    moved = shape.transform((128, 128), Image.Transform.AFFINE, (1, 0, shift[0], 0, 1, shift[1]))
    cast = moved.filter(ImageFilter.GaussianBlur(1.2 + 3.5 * light.spread))
    contact = shape.filter(ImageFilter.GaussianBlur(2.0))
    both = np.asarray(cast, np.float32) * (0.62 - 0.25 * light.spread) + np.asarray(contact, np.float32) * 0.3
    shade = Image.fromarray(1 - both / 255).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(shade, np.float32)


def _expose(scene: Scene, picture: Grid, x: Grid, y: Grid) -> NDArray[np.uint8]:
    """Vignette, white balance, tone curve, defocus and sensor noise."""
    lens, size = LENSES[scene.camera], len(x)
    vignette = 1 - lens.vignette * ((x - 0.5) ** 2 + (y - 0.5) ** 2) * 2
    exposed = picture * vignette[..., None] * np.array(lens.balance, np.float32)
    toned = np.sqrt(np.clip(exposed, 0, None)) * 1.06
    toned = np.where(toned > 0.85, 0.85 + 0.15 * np.tanh((toned - 0.85) / 0.15), toned)
    image = Image.fromarray((np.clip(toned, 0, 1) * 255).astype(np.uint8))
    blurred = image.filter(ImageFilter.GaussianBlur(lens.blur * size / 512))
    rng = np.random.default_rng([scene.seed, 2, scene.shot])
    noise = _noise_tile()[rng.integers(4096) :][: size * size * 3]
    # Averaging down to the model's resolution leaves a quarter of a 512 px photo's noise, half of a 256 px one's.
    sigma = lens.noise * (size / 512)
    noisy = np.asarray(blurred, np.float32) + sigma * noise.reshape(size, size, 3)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _noise_tile() -> NDArray[np.float32]:
    """Sensor noise, drawn once per process from a fixed seed; a shot starts somewhere in it."""
    return np.random.default_rng(5).standard_normal(512 * 512 * 3 + 4096).astype(np.float32)
