//! `recto config`: write, describe or check the configuration.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::config::{Config, ConfigArguments};
use crate::output::{OutputFormat, print};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto config init > recto.toml\n  recto config check --config recto.toml\n  recto config schema > recto.schema.json"
)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a configuration file with every option, its meaning and its default
    Init,
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Print the reference of all options as a Markdown table
    Reference,
    /// Check the configuration, and print each option with where its value came from
    Check {
        #[command(flatten)]
        config: ConfigArguments,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
}

impl ConfigCommand {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Init => print(&recto_config::example_file::<Config>())?,
            Action::Schema => print(&serde_json::to_string_pretty(&recto_config::json_schema::<Config>())?)?,
            Action::Reference => print(&recto_config::reference_table::<Config>())?,
            Action::Check { config, format } => return check(&config, format),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn check(arguments: &ConfigArguments, format: OutputFormat) -> anyhow::Result<ExitCode> {
    let loaded = match arguments.load() {
        Ok(loaded) => loaded,
        Err(error) if format == OutputFormat::Json => {
            let problems = error.downcast_ref::<recto_config::ConfigError>().map(recto_config::ConfigError::problems);
            let problems: Vec<_> = problems
                .unwrap_or_default()
                .iter()
                .map(|problem| {
                    json!({"key": problem.key, "origin": problem.origin.to_string(), "message": problem.message, "hint": problem.hint})
                })
                .collect();
            print(&serde_json::to_string_pretty(
                &json!({"valid": false, "message": error.to_string(), "problems": problems}),
            )?)?;
            return Ok(ExitCode::from(1));
        }
        Err(error) => {
            crate::output::complain(&error);
            return Ok(ExitCode::from(1));
        }
    };
    if let Err(error) = loaded.value.server.check() {
        if format == OutputFormat::Json {
            print(&serde_json::to_string_pretty(
                &json!({"valid": false, "message": error.to_string(), "problems": []}),
            )?)?;
        } else {
            crate::output::complain(&error.into());
        }
        return Ok(ExitCode::from(1));
    }
    let values = serde_json::to_value(&loaded.value)?;
    let value_of =
        |key: &str| key.split('.').try_fold(&values, |value, part| value.get(part)).cloned().unwrap_or_default();
    match format {
        OutputFormat::Json => {
            let options: serde_json::Map<_, _> = loaded
                .origins
                .iter()
                .map(|(key, origin)| (key.clone(), json!({"value": value_of(key), "origin": origin})))
                .collect();
            print(&serde_json::to_string_pretty(&json!({"valid": true, "options": options}))?)?;
        }
        OutputFormat::Text => {
            let lines: String = loaded
                .origins
                .iter()
                .map(|(key, origin)| format!("{key} = {}   # {origin}\n", value_of(key)))
                .collect();
            print(&lines)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
