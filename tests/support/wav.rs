//! What is in a recording: its length, and where a tone is to be heard.

#![allow(
    clippy::cast_precision_loss,
    reason = "a recording has far fewer than 2^52 samples"
)]

use std::f64::consts::TAU;
use std::path::Path;
use std::time::Duration;

pub(crate) struct Sound {
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    /// All channels added up, -1 to 1 each.
    pub(crate) samples: Vec<f64>,
}

impl Sound {
    pub(crate) fn read(path: &Path) -> Self {
        let mut reader = hound::WavReader::open(path)
            .unwrap_or_else(|e| panic!("{} is no playable WAV: {e}", path.display()));
        let spec = reader.spec();
        let all: Vec<f64> = reader
            .samples::<i16>()
            .map(|s| f64::from(s.expect("whole samples")) / f64::from(i16::MAX))
            .collect();
        Self {
            rate: spec.sample_rate,
            channels: spec.channels,
            samples: all
                .chunks(usize::from(spec.channels))
                .map(|frame| frame.iter().sum())
                .collect(),
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// How strong `hertz` is in each stretch of 50 ms: the amplitude of the tone, by Goertzel.
    pub(crate) fn strength(&self, hertz: f64) -> Vec<f64> {
        let stretch = self.rate as usize / 20;
        let step = TAU * hertz / f64::from(self.rate);
        self.samples
            .chunks_exact(stretch)
            .map(|samples| goertzel(samples, step))
            .collect()
    }

    /// From when to when the tone is to be heard.
    pub(crate) fn heard(&self, hertz: f64) -> Option<(Duration, Duration)> {
        let strength = self.strength(hertz);
        let loud = |s: &f64| *s > 0.02;
        let first = strength.iter().position(loud)?;
        let last = strength.iter().rposition(loud)?;
        let at = |i: usize| Duration::from_millis(50 * i as u64);
        Some((at(first), at(last + 1)))
    }
}

fn goertzel(samples: &[f64], step: f64) -> f64 {
    let k = 2.0 * step.cos();
    let (mut s1, mut s2) = (0.0, 0.0);
    for sample in samples {
        let s0 = sample + k * s1 - s2;
        (s2, s1) = (s1, s0);
    }
    let power = s1 * s1 + s2 * s2 - k * s1 * s2;
    2.0 * power.max(0.0).sqrt() / samples.len() as f64
}
