"""What takes telemetry in on this machine: OTLP over HTTP comes in, spans go to Zipkin, the latest figures are read as Prometheus text.

Services know an OTLP endpoint and nothing else; in production that is an OpenTelemetry collector, which does all of this.
"""
