# The station's service. No torch and no training code in it: only `inspection` and `service` are copied.
#   docker build --file deploy/docker/service.Dockerfile --tag kensa-service .
FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/kensa
WORKDIR /source
COPY pyproject.toml requirements.lock README.md ./
COPY inspection ./inspection
COPY service ./service
RUN /srv/kensa/bin/pip install --constraint requirements.lock '.[service]'

FROM python:3.13-slim-bookworm
# 10001: a user that no other image has, so that a shared disk shows whose file it is.
RUN groupadd --gid 10001 kensa \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin kensa \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/kensa
COPY --from=build /srv/kensa /srv/kensa
ENV PATH=/srv/kensa/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    KENSA_DATA=/var/lib/kensa \
    KENSA_HOST=0.0.0.0 \
    KENSA_PORT=8080 \
    KENSA_LOG_FORMAT=json
WORKDIR /var/lib/kensa
USER 10001:10001
VOLUME ["/var/lib/kensa"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/ready', timeout=4)"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["serve"]
