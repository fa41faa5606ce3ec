//! Losses with prototypes and teachers.

use dfdx::prelude::*;
use selfsame::losses::{
    self, DistillationTemperatures, IbotConvention, KMeans, SinkhornSettings, SwavConvention, SwavSettings,
};
use selfsame::ops::{l2_normalize, linear, Engine, Real};

use super::{Checked, In};
use crate::check::Found;
use crate::file::Entry;
use crate::graph::{rows, stacked, tensor, wide, Rows, Slopes};

impl<E: Real> In<E>
where
    Cpu: Engine<E>,
{
    pub fn sinkhorn(entry: &Entry) -> Checked {
        let [_, prototypes] = entry.sizes("scores")?;
        let settings =
            SinkhornSettings { epsilon: entry.number("eps")?, iterations: entry.count("iterations")? };
        // Through the number type under test: codes are float64, scores come in it.
        let scores = wide(&rows::<E>(entry, "scores")?);
        let q = losses::sinkhorn(&scores, prototypes, settings).map_err(|e| e.to_string())?;
        let row_sums: Vec<f64> = q.chunks_exact(prototypes).map(|row| row.iter().sum()).collect();
        let column = |k: usize| q.iter().skip(k).step_by(prototypes).sum();
        let column_sums: Vec<f64> = (0..prototypes).map(column).collect();
        let found = Found::value(q.iter().map(|q| q * q).sum()).output("Q", q);
        Ok(found.output("row_sums", row_sums).output("column_sums", column_sums))
    }

    pub fn swav(entry: &Entry) -> Checked {
        let (assigned, views) =
            (entry.count("high_crops")?, entry.count("high_crops")? + entry.count("low_crops")?);
        let names: Vec<String> = (0..views).map(|i| format!("z{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (z, prototypes) = (stacked::<E>(entry, &names)?, rows::<E>(entry, "prototypes")?);
        let unit = l2_normalize(z.leaky_trace()).map_err(|e| e.to_string())?;
        let scores = linear(unit, &prototypes, None).map_err(|e| e.to_string())?;
        let queues: Vec<String> = (0..assigned).map(|i| format!("queue{i}")).collect();
        let queues: Vec<&str> =
            queues.iter().map(String::as_str).filter(|q| entry.inputs.contains_key(*q)).collect();
        let mut queue: Option<(Rows<E>, Rows<E>)> = None;
        if !queues.is_empty() {
            let rows = stacked::<E>(entry, &queues)?;
            queue = Some((rows.clone(), linear(rows, &prototypes, None).map_err(|e| e.to_string())?));
        }
        let settings = SwavSettings {
            temperature: entry.number("temperature")?,
            sinkhorn: SinkhornSettings {
                epsilon: entry.number("eps")?,
                iterations: entry.count("iterations")?,
            },
            assigned,
            convention: SwavConvention::Reference,
        };
        let queue_scores = queue.as_ref().map(|(_, scores)| scores);
        let codes = losses::swav_codes(&scores, queue_scores, views, settings).map_err(|e| e.to_string())?;
        let mut slopes = Slopes::of(losses::swav(scores, queue_scores, views, settings))?;
        let mut found = Found::value(slopes.value).grad("prototypes", slopes.to(&prototypes)?);
        for (name, gradient) in names.iter().zip(slopes.parts(&z, views)?) {
            found = found.grad(name, gradient);
        }
        for (i, codes) in codes
            .chunks(codes.len() / assigned)
            .enumerate()
            .filter(|(i, _)| entry.outputs.contains_key(&format!("Q{i}")))
        {
            found = found.output(&format!("Q{i}"), codes);
        }
        if let Some((rows, _)) = &queue {
            for (name, gradient) in queues.iter().zip(slopes.parts(rows, queues.len())?) {
                found = found.grad(name, gradient);
            }
        }
        Ok(found)
    }

    pub fn deep_cluster(entry: &Entry) -> Checked {
        let z = rows::<E>(entry, "z")?;
        let ignored = entry.number("ignore_index")? as i64;
        let mut heads = Vec::new();
        let mut assignments = Vec::new();
        for head in 0.. {
            let name = format!("prototypes{head}");
            if !entry.inputs.contains_key(&name) {
                break;
            }
            heads.push(rows::<E>(entry, &name)?);
            let known = |a: &i64| if *a == ignored { None } else { Some(*a as u32) };
            assignments.push(entry.integers(&format!("assign{head}"))?.iter().map(known).collect::<Vec<_>>());
        }
        let (h, a): (Vec<_>, Vec<_>) = heads.iter().zip(assignments.iter().map(Vec::as_slice)).unzip();
        let mut slopes =
            Slopes::of(losses::deep_cluster(z.leaky_trace(), &h, &a, entry.number("temperature")?))?;
        let mut found = Found::value(slopes.value).grad("z", slopes.to(&z)?);
        for (i, head) in heads.iter().enumerate() {
            found = found.grad(&format!("prototypes{i}"), slopes.to(head)?);
        }
        Ok(found)
    }

    pub fn spherical_k_means(entry: &Entry) -> Checked {
        let [_, width] = entry.sizes("points")?;
        let points = wide(&rows::<E>(entry, "points")?);
        let start: Vec<usize> = entry.integers("init_rows")?.iter().map(|i| *i as usize).collect();
        let run = |rounds: usize| {
            KMeans::Spherical.from_points(&points, width, &start, rounds).map_err(|e| e.to_string())
        };
        let last = run(entry.count("iterations")?)?;
        let centroid = |a: u32| &last.centroids[a as usize * width..][..width];
        let near =
            |(point, a): (&[f64], &u32)| point.iter().zip(centroid(*a)).map(|(p, c)| p * c).sum::<f64>();
        let total: f64 = points.chunks_exact(width).zip(&last.assignments).map(near).sum();
        let assignments: Vec<f64> = last.assignments.iter().map(|a| f64::from(*a)).collect();
        let mut found = Found::value(total / assignments.len() as f64).output("assignments", assignments);
        for rounds in [1, 3, entry.count("iterations")?] {
            let name = format!("centroids_after_{rounds}");
            if entry.outputs.contains_key(&name) {
                found = found.output(&name, run(rounds)?.centroids);
            }
        }
        Ok(found)
    }

    fn temperatures(entry: &Entry) -> Result<DistillationTemperatures, String> {
        Ok(DistillationTemperatures {
            teacher: entry.number("teacher_temp")?,
            student: entry.number("student_temp")?,
        })
    }

    fn centre(entry: &Entry) -> Result<Tensor<(usize,), E, Cpu>, String> {
        let centre = entry.numbers("center")?;
        Ok(tensor(centre, (centre.len(),)))
    }

    pub fn dino(entry: &Entry) -> Checked {
        let views = (0..).take_while(|i| entry.inputs.contains_key(&format!("student{i}"))).count();
        let names: Vec<String> = (0..views).map(|i| format!("student{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (student, teacher) =
            (stacked::<E>(entry, &names)?, stacked::<E>(entry, &["teacher0", "teacher1"])?);
        let centre = Self::centre(entry)?;
        let loss = losses::dino(student.leaky_trace(), &teacher, &centre, 2, Self::temperatures(entry)?);
        let mut slopes = Slopes::of(loss)?;
        let moved = losses::moved_centre(&centre, &teacher, entry.number("center_momentum")?);
        let mut found =
            Found::value(slopes.value).output("center_after", wide(&moved.map_err(|e| e.to_string())?));
        for (name, gradient) in names.iter().zip(slopes.parts(&student, views)?) {
            found = found.grad(name, gradient);
        }
        for (name, gradient) in ["teacher0", "teacher1"].iter().zip(slopes.parts(&teacher, 2)?) {
            found = found.grad(name, gradient);
        }
        Ok(found.grad("center", slopes.to(&centre)?))
    }

    pub fn ibot(entry: &Entry) -> Checked {
        let [images, height, width] = entry.sizes("mask")?;
        let mask = entry.integers("mask")?;
        let masked = mask.iter().enumerate().filter(|(_, m)| **m != 0);
        let image_of: Vec<usize> = masked.map(|(i, _)| i / (height * width)).collect();
        let [student, teacher] = [rows::<E>(entry, "student")?, rows(entry, "teacher")?];
        let (centre, temperatures) = (Self::centre(entry)?, Self::temperatures(entry)?);
        let convention = IbotConvention::Reference;
        let loss = losses::ibot(
            student.leaky_trace(),
            &teacher,
            &centre,
            &image_of,
            images,
            temperatures,
            convention,
        );
        let mut slopes = Slopes::of(loss)?;
        let moved = losses::moved_centre(&centre, &teacher, entry.number("center_momentum")?);
        let found =
            Found::value(slopes.value).output("center_after", wide(&moved.map_err(|e| e.to_string())?));
        let found = found.grad("student", slopes.to(&student)?).grad("teacher", slopes.to(&teacher)?);
        Ok(found.grad("center", slopes.to(&centre)?))
    }
}
