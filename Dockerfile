# Serving only: no torch, no compiler, not root.
FROM python:3.11-slim

RUN useradd --system --no-create-home --uid 10001 hoiquy
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY inference inference
COPY service service
# The package list names training; its code and torch stay out.
COPY training/__init__.py training/__init__.py
COPY training/study/__init__.py training/study/__init__.py
RUN pip install --no-cache-dir --constraint constraints.txt '.[serve]'
COPY checkpoints checkpoints

USER hoiquy
ENV HOIQUY_HOST=0.0.0.0 HOIQUY_PORT=8000 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['HOIQUY_PORT'] + '/health', timeout=2)"]
CMD ["gunicorn", "--config", "service/gunicorn.conf.py", "service.wsgi:app"]
