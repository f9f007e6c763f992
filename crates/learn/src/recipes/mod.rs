//! Recipes: ways to train a model, each with its parameters. One file each.

mod boosted_trees;
mod mlp;

use ropewalk_core::{Error, Result};
use ropewalk_models::TreeScorer;
use ropewalk_nets::MlpScorer;
use ropewalk_prep::{Matrix, Part};
use serde::{Deserialize, Serialize};

use crate::parameters::{Parameter, Values};

/// A way to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// Gradient-boosted decision trees.
    BoostedTrees,
    /// A multilayer perceptron.
    Mlp,
}

/// A recipe as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecipeInfo {
    /// Its name.
    pub name: String,
    /// What it is and when to take it.
    pub description: String,
    /// What may be set.
    pub parameters: Vec<Parameter>,
}

/// A measurement taken while training.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// `train_loss`, `val_loss` or `val_auc`.
    pub key: &'static str,
    /// The boosting round or epoch, from 1.
    pub step: i64,
    /// The value.
    pub value: f64,
}

/// What training leaves.
pub struct Fitted {
    /// What computes the scores: `trees` or `mlp`.
    pub runtime: &'static str,
    /// The weights' file name.
    pub file: &'static str,
    /// The weights.
    pub weights: Vec<u8>,
    /// What was measured on the way.
    pub curve: Vec<Point>,
    /// The round or epoch that was kept, from 1.
    pub best_step: i64,
    /// How much each feature matters, if the recipe can say; shares of 1, largest first.
    pub importance: Option<Vec<(String, f64)>>,
}

impl Recipe {
    /// Every recipe.
    pub const ALL: [Self; 2] = [Self::BoostedTrees, Self::Mlp];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BoostedTrees => "boosted-trees",
            Self::Mlp => "mlp",
        }
    }

    /// The recipe of a name.
    ///
    /// # Errors
    /// `not_found`, naming those that there are.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|recipe| recipe.name() == name).ok_or_else(|| {
            Error::not_found(format!("no recipe named “{name}”"))
                .why(format!("there are {}", Self::ALL.map(Self::name).join(", ")))
                .hint("ropewalk run recipes")
        })
    }

    /// What may be set.
    #[must_use]
    pub fn parameters(self) -> Vec<Parameter> {
        match self {
            Self::BoostedTrees => boosted_trees::parameters(),
            Self::Mlp => mlp::parameters(),
        }
    }

    /// The recipe as it is shown.
    #[must_use]
    pub fn info(self) -> RecipeInfo {
        let description = match self {
            Self::BoostedTrees => boosted_trees::DESCRIPTION,
            Self::Mlp => mlp::DESCRIPTION,
        };
        RecipeInfo {
            name: self.name().to_owned(),
            description: description.to_owned(),
            parameters: self.parameters(),
        }
    }

    /// Checks parameters and fills in defaults.
    ///
    /// # Errors
    /// `invalid`, naming the parameter.
    pub fn resolve(self, given: &serde_json::Value) -> Result<Values> {
        Values::resolve(self.name(), &self.parameters(), given)
    }

    /// Trains. The same rows, values and seed give the same weights. Blocks the thread.
    ///
    /// # Errors
    /// `invalid` when the rows cannot be learnt from.
    pub fn train(self, values: &Values, seed: u64, train: &Part, validation: &Part) -> Result<Fitted> {
        check_rows(train, "training")?;
        check_rows(validation, "validation")?;
        match self {
            Self::BoostedTrees => boosted_trees::train(values, seed, train, validation),
            Self::Mlp => mlp::train(values, seed, train, validation),
        }
    }
}

impl Fitted {
    /// The scorer that serving uses, so that what is measured is what will be served.
    ///
    /// # Errors
    /// `internal` when the weights just written cannot be read.
    pub fn scorer(&self) -> Result<Scorer> {
        let failed = |why: String| Error::internal("the weights just trained cannot be read").why(why);
        match self.runtime {
            "trees" => TreeScorer::from_forust_json(&self.weights)
                .map(Scorer::Trees)
                .map_err(|error| failed(error.to_string())),
            _ => MlpScorer::load(&self.weights).map(Scorer::Mlp).map_err(|error| failed(error.to_string())),
        }
    }
}

/// A trained model that can score features.
#[derive(Debug)]
pub enum Scorer {
    /// Trees.
    Trees(TreeScorer),
    /// A perceptron.
    Mlp(MlpScorer),
}

impl Scorer {
    /// The probability of yes for each row.
    ///
    /// # Errors
    /// `invalid` when the features do not fit.
    pub fn score(&self, features: &Matrix) -> Result<Vec<f32>> {
        match self {
            Self::Trees(trees) => trees.score(features),
            Self::Mlp(mlp) => mlp.score(&features.values, features.rows).map_err(of_net),
        }
    }
}

/// Both classes must be there, in training and in validation.
fn check_rows(part: &Part, name: &str) -> Result<()> {
    let positives = part.labels.iter().filter(|label| **label >= 0.5).count();
    if positives > 0 && positives < part.labels.len() && part.features.width() > 0 {
        return Ok(());
    }
    let why = if part.labels.is_empty() {
        "there are none".to_owned()
    } else if part.features.width() == 0 {
        "they have no features".to_owned()
    } else {
        format!("all {} have the same label", part.labels.len())
    };
    Err(Error::invalid(format!("nothing can be learnt from the {name} rows"))
        .why(why)
        .hint("change the target or the split, then prepare again: ropewalk prep run --help"))
}

/// A network's error in our words.
fn of_net(error: ropewalk_nets::NetError) -> Error {
    Error::invalid("the network cannot be trained or asked")
        .why(error.to_string())
        .hint("ropewalk run recipes")
}
