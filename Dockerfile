# The gateway. Its PostgreSQL is one given by MOTET_DATABASE_URL, or an embedded one in the volume /data.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY src src
RUN python -m venv /opt/motet && /opt/motet/bin/pip install --no-cache-dir .

FROM python:3.11-slim
RUN useradd --system --create-home --uid 10001 motet && install -d -o motet -g motet -m 0700 /data
COPY --from=build /opt/motet /opt/motet
ENV PATH=/opt/motet/bin:$PATH \
    MOTET_DATA_DIR=/data \
    MOTET_HTTP=0.0.0.0:8080 \
    MOTET_SMPP=0.0.0.0:2775 \
    MOTET_LOG_FORMAT=json
USER motet
WORKDIR /home/motet
VOLUME /data
EXPOSE 8080 2775 3550
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=30s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/healthz', timeout=3)"]
# `docker run … motet migrate` first: serve refuses an older schema.
ENTRYPOINT ["motet"]
CMD ["serve"]
