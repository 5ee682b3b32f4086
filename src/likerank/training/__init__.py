"""From a configuration to a trained model: assembly, fitting, cross-validation, sweeps, results."""
