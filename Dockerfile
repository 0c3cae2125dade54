# The root file system may be read-only: only /data is written to (docker run --read-only --tmpfs /tmp -v portrait:/data).
FROM python:3.11-slim-bookworm AS build
# Without a GPU: --build-arg PIP_EXTRA_INDEX_URL with PyTorch's index of CPU builds makes the image 2 GB smaller.
ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY app ./app
COPY migrations ./migrations
RUN /venv/bin/pip install -c constraints.txt ".[import,traces,oidc]"

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /data portrait
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PORTRAIT_DATA_DIR=/data \
    PORTRAIT_HOST=0.0.0.0 \
    PORTRAIT_PORT=8000
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["portrait"]
CMD ["serve"]
