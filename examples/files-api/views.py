"""The same proxy as a Django view. Only the client's base URL is new.

urls.py: path("openai_file_proxy/<str:file_id>", views.openai_file_proxy)
"""

import io
import os

from django.http import FileResponse, Http404
from openai import NotFoundError, OpenAI

client = OpenAI(
    base_url=os.environ.get("CFILE_URL", "http://127.0.0.1:8787") + "/openai/v1",
    api_key=os.environ.get("CFILE_KEY", "any"),
)


def openai_file_proxy(request, file_id):
    try:
        file = client.files.retrieve(file_id)
        content = client.files.content(file_id).read()
    except NotFoundError:
        raise Http404("There is no such file.") from None
    # Django makes the headers: type by the name's ending, Content-Disposition for any name.
    return FileResponse(io.BytesIO(content), as_attachment=True, filename=file.filename)
