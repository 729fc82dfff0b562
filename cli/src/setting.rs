//! What a command is given beside its own arguments: the flags that all verbs share, and the environment.

use jiff::Timestamp;

use crate::{
    arguments::{GlobalArguments, Object, UsageError, is_namespace_name},
    environment::Environment,
    failure::Failure,
    source::{
        Place,
        cluster::{Cluster, ClusterOptions},
        files::{Files, FilesOptions},
    },
};

/// The flags that all verbs share, and the environment.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The flags.
    pub global: &'a GlobalArguments,
    /// The environment.
    pub environment: &'a Environment,
}

/// When something is done, and 80 random bits for its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The time.
    pub now: Timestamp,
    /// Chance.
    pub random: [u8; 10],
}

impl Setting<'_> {
    /// The object that the arguments of `verb` name, in their order, and what follows its name.
    pub fn object<'t>(
        &self,
        verb: &'static str,
        positional: impl IntoIterator<Item = &'t String>,
    ) -> Result<Object, UsageError> {
        let environment = self.environment.context.as_deref();
        Object::find(verb, self.global.name.as_deref(), environment, positional.into_iter().cloned())
    }

    /// The place that the flags name. Nothing is sent yet.
    pub async fn place(&self) -> Result<Place, Failure> {
        if self.is_files() {
            return Ok(Place::Files(self.files()?));
        }
        Ok(Place::Cluster(self.cluster().await?))
    }

    /// Whether the flags name manifests.
    pub fn is_files(&self) -> bool {
        !self.global.filename.is_empty()
    }

    /// The cluster that the flags name. Nothing is sent yet.
    pub async fn cluster(&self) -> Result<Cluster, Failure> {
        self.check()?;
        Ok(Cluster::connect(ClusterOptions::from(self.global), self.environment).await?)
    }

    /// What no place can do with.
    fn check(&self) -> Result<(), UsageError> {
        let global = self.global;
        if !global.impersonate_groups.is_empty() && global.impersonate.is_none() {
            return Err(UsageError::GroupWithoutUser);
        }
        if let Some(namespace) = global.namespace.as_deref().filter(|name| !is_namespace_name(name)) {
            return Err(UsageError::NotAName { what: "--namespace", found: namespace.to_owned() });
        }
        Ok(())
    }

    /// The manifests that `-f` names, and their state folder.
    pub fn files(&self) -> Result<Files, Failure> {
        self.check()?;
        let global = self.global;
        let of_cluster = [
            ("--kubeconfig", global.kubeconfig.is_some()),
            ("--context", global.context.is_some()),
            ("--cluster", global.cluster.is_some()),
            ("--user", global.user.is_some()),
            ("--as", global.impersonate.is_some()),
        ];
        if let Some((flag, _)) = of_cluster.into_iter().find(|(_, given)| *given) {
            return Err(UsageError::NotWithFiles { flag }.into());
        }
        Ok(Files::open(FilesOptions {
            paths: global.filename.clone(),
            state_folder: global.state_dir.clone(),
            namespace: global.namespace.clone(),
            patience: global.request_timeout,
        })?)
    }
}

impl Occasion {
    /// This moment.
    pub fn now() -> Result<Self, Failure> {
        let mut random = [0; 10];
        let generator = rustls::crypto::ring::default_provider().secure_random;
        generator.fill(&mut random).map_err(|_| Failure::NoRandomness)?;
        Ok(Self { now: Timestamp::now(), random })
    }

    /// The random bits in hexadecimal digits.
    pub fn random_id(&self) -> String {
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
        self.random.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}
