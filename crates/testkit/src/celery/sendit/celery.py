from celery import Celery

app = Celery("sendit")
app.config_from_object("sendit.settings")
