# One image for every service of Nyttig; the command says which.
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
RUN python -m venv /opt/nyttig
COPY requirements-install.txt requirements.txt ./
RUN /opt/nyttig/bin/pip install --no-cache-dir --require-hashes --requirement requirements-install.txt \
    && /opt/nyttig/bin/uv pip install --no-cache --python /opt/nyttig --require-hashes --requirement requirements.txt
COPY . .
RUN /opt/nyttig/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
COPY --from=build /opt/nyttig /opt/nyttig
ENV PATH=/opt/nyttig/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp
USER 10001:10001
ENTRYPOINT ["nyttig"]
