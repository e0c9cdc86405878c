"""From a mapping to files: staging models in house style, entities, tests, contracts; pure."""
