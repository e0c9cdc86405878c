"""GraphQL: an introspection result goes in; streams with their queries come out, for the lists that can be asked
for."""

from plugins.connectors.graphql.inferring import infer_graphql

__all__ = ["infer_graphql"]
