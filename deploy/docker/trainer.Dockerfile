# Pretraining and distillation, with torch, and the nights, which need the record too; an NVIDIA GPU is used.
#   docker build --file deploy/docker/trainer.Dockerfile --tag kensa-trainer .
#   docker run --gpus all --volume /pictures:/pictures:ro --volume runs:/runs kensa-trainer \
#       pretrain train line --images /pictures --out /runs/first
FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/kensa
WORKDIR /source
COPY pyproject.toml requirements.lock README.md ./
COPY inspection ./inspection
COPY pretrain ./pretrain
COPY distill ./distill
COPY service ./service
# torch's own wheel brings the CUDA libraries that it was built with.
RUN /srv/kensa/bin/pip install --constraint requirements.lock '.[train,service]'

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 kensa \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin kensa \
    && install --directory --owner=10001 --group=10001 --mode=0750 /runs /var/lib/kensa
COPY --from=build /srv/kensa /srv/kensa
ENV PATH=/srv/kensa/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    KENSA_DATA=/var/lib/kensa \
    KENSA_LOG_FORMAT=json \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /runs
USER 10001:10001
VOLUME ["/runs"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m"]
CMD ["pretrain", "--help"]
