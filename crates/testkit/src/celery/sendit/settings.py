# The broker part of the settings of a sendit installation, in the words of its time. What differs from one start to
# the next comes from the environment.
import os

from kombu import Exchange, Queue

BROKER_URL = os.environ["BROKER"]
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
# A test does not wait for half a minute because the broker was away for half a minute.
BROKER_CONNECTION_MAX_RETRIES = None
if os.environ.get("RESULTS"):
    CELERY_RESULT_BACKEND = os.environ["RESULTS"]

_queue = os.environ["QUEUE"]
CELERY_DEFAULT_QUEUE = _queue
CELERY_DEFAULT_EXCHANGE = _queue
CELERY_DEFAULT_ROUTING_KEY = _queue
CELERY_QUEUES = (Queue(_queue, Exchange(_queue, type="direct"), routing_key=_queue),)
CELERY_IMPORTS = ("sendit.apps.main.tasks.get",)
