//! A painted landscape of sixteen colours that follows from a number: sky, sun, three ridges, and now and then a lake.

use std::ops::Range;

use super::scramble::scramble;

/// A colour by its parts.
type Rgb = [u8; 3];

pub(super) const COLOURS: usize = 16;

/// Indices of the palette: the sky from its top to the horizon, the sun, its halo, the ridges from far to near,
/// and the lake with its light.
const SKY: u8 = 8;
const SUN: u8 = 8;
const HALO: u8 = 9;
const RIDGE: u8 = 10;
const RIDGES: usize = 3;
const LAKE: u8 = 13;
const GLITTER: u8 = 14;
const REED: u8 = 15;

/// Hours of the day: the top of the sky, the horizon, the sun, the farthest and the nearest ridge.
const HOURS: [[Rgb; 5]; 8] = [
    [
        [38, 70, 120],
        [250, 190, 140],
        [255, 236, 200],
        [120, 110, 140],
        [34, 42, 68],
    ],
    [
        [92, 160, 214],
        [224, 240, 244],
        [255, 250, 224],
        [140, 176, 180],
        [42, 94, 82],
    ],
    [
        [28, 28, 70],
        [214, 98, 110],
        [255, 200, 150],
        [110, 60, 100],
        [28, 20, 48],
    ],
    [
        [18, 30, 60],
        [70, 104, 150],
        [236, 240, 250],
        [50, 72, 110],
        [12, 22, 40],
    ],
    [
        [120, 190, 190],
        [252, 240, 206],
        [255, 255, 240],
        [190, 180, 130],
        [86, 96, 52],
    ],
    [
        [196, 120, 90],
        [252, 222, 160],
        [255, 250, 226],
        [176, 110, 92],
        [84, 44, 52],
    ],
    [
        [86, 110, 170],
        [240, 206, 224],
        [255, 244, 236],
        [150, 134, 176],
        [58, 56, 100],
    ],
    [
        [150, 176, 196],
        [236, 238, 232],
        [250, 250, 250],
        [164, 178, 186],
        [70, 92, 104],
    ],
];

/// Drawn on a canvas of 1 by 1, so that it can be painted at any size.
pub(super) struct Scene {
    pub(super) palette: [Rgb; COLOURS],
    sun: (f32, f32, f32),
    ridges: [Ridge; RIDGES],
    /// The height of the water, where the scene has a lake.
    water: Option<f32>,
}

/// A skyline of two waves.
struct Ridge {
    height: f32,
    swing: f32,
    waves: f32,
    shift: f32,
}

impl Scene {
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let hour = &HOURS[usize::from(dice.byte()) % HOURS.len()];
        let tint = [dice.byte(), dice.byte(), dice.byte()];
        Self {
            palette: palette(hour, tint),
            sun: (
                dice.between(0.15, 0.85),
                dice.between(0.14, 0.5),
                dice.between(0.05, 0.11),
            ),
            ridges: [(0.52, 0.10), (0.64, 0.08), (0.80, 0.07)].map(|(height, swing)| Ridge {
                height: height + dice.between(-0.05, 0.05),
                swing: swing * dice.between(0.5, 1.4),
                waves: dice.between(3.0, 9.0),
                shift: dice.between(0.0, 6.0),
            }),
            water: dice
                .byte()
                .is_multiple_of(2)
                .then(|| dice.between(0.66, 0.78)),
        }
    }

    /// The colours of a picture of this size, row by row.
    ///
    /// A listing paints hundreds of them, so what a row or a column has in common is worked out once.
    pub(super) fn paint(&self, width: u32, height: u32) -> Vec<u8> {
        let skylines: Vec<_> = (0..width).map(|x| self.skyline(x, width, height)).collect();
        let mut pixels = Vec::with_capacity((width * height) as usize);
        for y in 0..height {
            let row = self.row((y as f32 + 0.5) / height as f32, width);
            for (x, skyline) in (0..width).zip(&skylines) {
                pixels.push(row.colour(x, y, skyline));
            }
        }
        pixels
    }

    /// The first row of each ridge in this column.
    fn skyline(&self, x: u32, width: u32, height: u32) -> [u32; RIDGES] {
        let x = (x as f32 + 0.5) / width as f32;
        self.ridges.each_ref().map(|ridge| {
            let phase = x * ridge.waves + ridge.shift;
            let wave = phase.sin() * 0.7 + (phase * 2.7).sin() * 0.3;
            ((ridge.height - ridge.swing * wave) * height as f32) as u32
        })
    }

    fn row(&self, y: f32, width: u32) -> Row {
        let (sun_x, sun_y, radius) = self.sun;
        let from_to = |reach: f32| {
            let edge = |x: f32| (x.max(0.0) * width as f32) as u32;
            edge(sun_x - reach)..edge(sun_x + reach)
        };
        // Pictures are wider than they are high.
        let disc =
            |radius: f32| from_to((radius.powi(2) - (y - sun_y).powi(2)).max(0.0).sqrt() * 0.75);
        if let Some(depth) = self
            .water
            .map(|water| y - water)
            .filter(|depth| *depth > 0.0)
        {
            let strip = (depth * 40.0) as u32;
            // The sun lies on the water in strips that grow with the distance from the shore.
            let reach = if strip.is_multiple_of(2) {
                radius * (0.6 + depth * 4.0)
            } else {
                0.0
            };
            let ground = if strip == 0 { REED } else { LAKE };
            return Row {
                lake: true,
                ground,
                light: (from_to(reach), GLITTER),
                halo: 0..0,
            };
        }
        let ground = ((y / 0.6 * f32::from(SKY)) as u8).min(SKY - 1);
        Row {
            lake: false,
            ground,
            light: (disc(radius), SUN),
            halo: disc(radius * 1.5),
        }
    }
}

/// The colours of a row where no ridge stands before it.
struct Row {
    lake: bool,
    ground: u8,
    light: (Range<u32>, u8),
    halo: Range<u32>,
}

impl Row {
    fn colour(&self, x: u32, y: u32, skyline: &[u32; RIDGES]) -> u8 {
        let [far, middle, near] = *skyline;
        if y >= near {
            RIDGE + 2
        } else if y >= middle && !self.lake {
            RIDGE + 1
        } else if y >= far && !self.lake {
            RIDGE
        } else if x >= self.light.0.start && x < self.light.0.end {
            self.light.1
        } else if x >= self.halo.start && x < self.halo.end {
            HALO
        } else {
            self.ground
        }
    }
}

fn palette(hour: &[Rgb; 5], tint: Rgb) -> [Rgb; COLOURS] {
    let [top, horizon, sun, far, near] = hour.map(|colour| mix(colour, tint, 0.1));
    let mut palette = [near; COLOURS];
    for step in 0..SKY {
        let share = f32::from(step) / f32::from(SKY - 1);
        palette[usize::from(step)] = mix(top, horizon, share);
    }
    palette[usize::from(SUN)] = sun;
    palette[usize::from(HALO)] = mix(horizon, sun, 0.6);
    palette[usize::from(RIDGE)] = far;
    palette[usize::from(RIDGE) + 1] = mix(far, near, 0.5);
    palette[usize::from(LAKE)] = mix(horizon, far, 0.4);
    palette[usize::from(GLITTER)] = mix(horizon, sun, 0.8);
    palette[usize::from(REED)] = mix(far, near, 0.3);
    palette
}

fn mix(one: Rgb, other: Rgb, share: f32) -> Rgb {
    let part = |i: usize| f32::from(one[i]) * (1.0 - share) + f32::from(other[i]) * share;
    [0, 1, 2].map(|i| part(i) as u8)
}

/// Numbers that follow from the one before.
struct Dice(u64);

impl Dice {
    fn byte(&mut self) -> u8 {
        self.0 = scramble(self.0);
        self.0.to_be_bytes()[0]
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * f32::from(self.byte()) / 255.0
    }
}
